"""What real peers need. Building the kernel itself is tried by tools/test, its steps by tests/sim/peers/uml."""

def test_tells_where_the_kernel_is(gatelab, tmp_path):
    kernel = tmp_path / "linux"
    kernel.write_text("#!/bin/sh\necho 6.1.7\n", encoding="utf-8")
    kernel.chmod(0o755)
    answer = gatelab("peers", "kernel", env={"GATELAB_KERNEL": str(kernel)})
    assert answer.code == 0
    assert str(kernel) in answer.out and "6.1.7" in answer.out and "it was there" in answer.out
    document = gatelab("peers", "kernel", "--json", env={"GATELAB_KERNEL": str(kernel)}).json
    assert document["path"] == str(kernel)
    assert document["version"] == "6.1.7"
    assert document["built"] is False
    assert document["seconds"] < 60


def test_refuses_a_kernel_that_does_not_run(gatelab):
    answer = gatelab("peers", "kernel", env={"GATELAB_KERNEL": "/bin/true"})
    assert answer.code == 3
    assert answer.said_once("GATELAB_KERNEL is '/bin/true'")


def test_says_where_a_kernel_cannot_be_put(gatelab, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    answer = gatelab("peers", "kernel", "--json",
                     env={"GATELAB_KERNEL": "", "XDG_CACHE_HOME": str(tmp_path / "file")})
    assert answer.code == 3
    assert "kernel" in answer.json["error"]["message"]
    assert "cannot" in answer.json["error"]["message"]
