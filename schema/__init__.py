"""The public contract: types, inputs and payloads, one file per noun. Reads like documentation."""
