"""What the executor costs and how quickly it answers."""

from argparse import Namespace

from dust_executor import bench
from dust_start.domain import claimed_domain


def run(options: Namespace) -> None:
    """Print processor share and latency at 50 chunks and at 50 cycles a second.

    Raises:
        RuntimeError: The node did not come up.
    """
    with claimed_domain() as domain_id:
        bench.run(bench.PARTS, seconds=options.seconds, domain_id=domain_id)
