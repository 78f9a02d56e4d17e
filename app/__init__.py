"""The running system: settings, sign-in, command line, HTTP, embedded servers. No business word in here."""
