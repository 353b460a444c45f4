"""The whole: who drives when, rollouts, the learning loop, the command line. Imports nothing: nobody is above it."""
