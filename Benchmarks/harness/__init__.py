"""Times the same work in many frameworks side by side. `../README.md` says how; `rounds` does it."""
