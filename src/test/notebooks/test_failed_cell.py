"""What a cell that ran out of memory still holds is told on its card and given back, and nothing else is closed.

With HEADROOM_KERNEL=headroom-ijava the same on IJava, where kernel/install-ijava has made that kernel.
"""
import os

import pytest

import scratch


@pytest.fixture(scope="module")
def kernel():
    with scratch.kernel(os.environ.get("HEADROOM_KERNEL", "headroom")) as started:
        yield started


def run(kernel, code):
    reply, text, shown = kernel.run(code)
    return reply, text + "\n".join(data.get("text/plain", "") for data in shown)


def test_the_arrays_that_a_failed_loop_made_are_released(kernel):
    run(kernel, 'limit("1600MiB")')
    reply, _ = run(
        kernel,
        "import ai.djl.ndarray.*; import ai.djl.ndarray.types.*;\n"
        'NDManager manager = NDManager.newBaseManager("PyTorch");\n'
        "NDArray early = manager.ones(new Shape(1 << 20));\n"
        "List<NDArray> kept = new ArrayList<>();",
    )
    assert reply["status"] == "ok"

    reply, card = run(kernel, "for (int i = 0; i < 100; i++) { kept.add(manager.ones(new Shape(16 << 20))); }")
    assert reply["status"] == "error"
    assert "release what the failed cell holds" in card
    assert "releaseFailed()" in card

    before = kernel.resident()
    reply, report = run(kernel, "releaseFailed()")
    assert reply["status"] == "ok"
    assert "what the failed cell held released" in report
    assert "came back" in report
    assert before - kernel.resident() > 800 << 20

    assert run(kernel, "early.sum().getFloat()")[1] == "1048576.0"
    reply, _ = run(kernel, "releaseFailed()")
    assert reply["status"] == "error"
    assert "release()" in reply["evalue"]


def test_a_batch_that_a_failed_training_left_open_is_released_and_the_trainer_goes_on(kernel):
    reply, text = run(
        kernel,
        "import ai.djl.*; import ai.djl.nn.core.*; import ai.djl.training.*; import ai.djl.training.loss.*;\n"
        'Model model = Model.newInstance("net");\n'
        "model.setBlock(Linear.builder().setUnits(64).build());\n"
        "Trainer trainer = model.newTrainer(new DefaultTrainingConfig(Loss.l2Loss()));\n"
        "trainer.initialize(new Shape(1, 256));",
    )
    assert reply["status"] == "ok", reply
    reply, card = run(
        kernel,
        "for (int size = 1 << 16; ; size *= 2) {\n"
        "    NDManager batch = trainer.getManager().newSubManager();\n"
        "    trainer.evaluate(new NDList(batch.ones(new Shape(size, 256))));\n"
        "}",
    )
    assert reply["status"] == "error"
    assert "release what the failed cell holds" in card
    assert "came back" in run(kernel, "releaseFailed()")[1]
    assert run(kernel, "trainer.evaluate(new NDList(trainer.getManager().ones(new Shape(2, 256))))"
                       ".singletonOrThrow().getShape().toString()")[1] == "(2, 64)"


def test_functions_and_iterators_in_variables_are_looked_into(kernel):
    run(
        kernel,
        "Function<Object, Object> both = Function.identity().andThen(each -> each); var by = Comparator.comparing(String::length);\n"
        "var walk = new ArrayList<>(List.of(early)).iterator(); var all = Collections.enumeration(List.of(1));\n"
        "var words = new StringTokenizer(\"a b\"); var stream = List.of(1, 2).stream().map(each -> each + 1).sorted();",
    )
    reply, card = run(kernel, "for (int i = 0; i < 100; i++) { kept.add(manager.ones(new Shape(16 << 20))); }")
    assert reply["status"] == "error"
    assert "release what the failed cell holds" in card
    reply, report = run(kernel, "releaseFailed()")
    assert reply["status"] == "ok" and "came back" in report, reply
    assert run(kernel, "early.sum().getFloat()")[1] == "1048576.0"


def test_nothing_is_closed_while_another_thread_works_and_the_thread_is_named(kernel):
    run(
        kernel,
        "NDArray[] taken = {null}; var done = new java.util.concurrent.CountDownLatch(1);\n"
        "Thread loader = new Thread(() -> { NDArray mine = manager.ones(new Shape(4));"
        " try { done.await(); } catch (InterruptedException e) {} taken[0] = mine.add(1); }, \"loader\");\n"
        "loader.start();",
    )
    reply, _ = run(kernel, "for (int i = 0; i < 100; i++) { kept.add(manager.ones(new Shape(16 << 20))); }")
    assert reply["status"] == "error"
    reply, _ = run(kernel, "releaseFailed()")
    assert reply["status"] == "error"
    assert "loader" in reply["evalue"]
    run(kernel, "done.countDown(); loader.join();")
    assert run(kernel, "taken[0].sum().getFloat()")[1] == "8.0"


def test_a_cap_filled_by_small_arrays_has_its_card_and_the_kernel_goes_on(kernel):
    code = "while (true) { kept.add(manager.ones(new Shape(2 << 20))); }"
    for cell in (code, "%%watch\n" + code):
        reply, card = run(kernel, cell)
        assert reply["status"] == "error" and "asked for 8.00 MiB" in card
        assert "came back" in run(kernel, "releaseFailed()")[1]
    assert run(kernel, "releaseAll()")[0]["status"] == "ok"
    assert "[x] process" in run(kernel, 'memory("x")')[1]
