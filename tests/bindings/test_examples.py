import csv
import subprocess
import sys


def test_delay_sweep_shows_what_distance_costs(repository):
    script = repository / "bindings" / "examples" / "delay_sweep.py"
    done = subprocess.run(
        [sys.executable, str(script), "--delays", "5", "40", "--csv"], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    near, far = csv.DictReader(done.stdout.splitlines())
    assert 12 < float(near["rtt_ms"]) < 200  # the copy fills the queue of the link
    assert float(far["rtt_ms"]) > 80
    assert float(near["goodput_mbps"]) > float(far["goodput_mbps"]) > 0.5
