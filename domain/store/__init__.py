"""The one room with hand-written SQL: tables, named questions, and the statement that stores a decision."""
