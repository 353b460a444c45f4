"""What stands or moves at the sites of rare things, family by family."""
