"""What several benchmarks measure with; `outrider bench` offers the files beside this folder, and none of these."""
