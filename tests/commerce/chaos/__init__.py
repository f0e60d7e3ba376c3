"""A sale under fire: real servers killed, databases stopped, stores emptied; then sums.

    python -m tests.commerce.chaos --database postgresql --seed 7 …

`nursery` forks servers, `site` breaks and mends them by a seeded `timetable`, `buyer`s
click over real sockets (`line`) and keep what they were `told`, `sale` is one run,
`verdict` compares what was told with what is stored. docs/topics/chaos.md.
"""
