"""The wire: messages, the cars' end, the server's end, and what is found again on disk."""
