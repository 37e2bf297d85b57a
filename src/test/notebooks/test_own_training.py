"""A training of the user's own runs out of memory: the card reads the block, the batch and the optimizer, and its advice fits."""
import re

import pytest

import scratch

SET_UP = """
import ai.djl.nn.convolutional.*; import ai.djl.training.dataset.*;
var block = new SequentialBlock()
    .add(Conv2d.builder().setFilters(32).setKernelShape(new Shape(3, 3)).optPadding(new Shape(1, 1)).build())
    .add(Activation::relu)
    .add(Conv2d.builder().setFilters(64).setKernelShape(new Shape(3, 3)).optPadding(new Shape(1, 1)).build())
    .add(Activation::relu)
    .add(Blocks.batchFlattenBlock())
    .add(Linear.builder().setUnits(10).build());
var model = Model.newInstance("mine");
model.setBlock(block);
var trainer = model.newTrainer(new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(Optimizer.adam().build()));
trainer.initialize(new Shape(1, 3, 64, 64));
var data = NDManager.newBaseManager();
var photos = new ArrayDataset.Builder().setData(data.randomUniform(0, 1, new Shape(512, 3, 64, 64)))
    .optLabels(data.zeros(new Shape(512))).setSampling(512, false).build();
"""


@pytest.fixture(scope="module")
def kernel():
    with scratch.kernel() as started:
        for cell in ('limit("1500 MiB")', SET_UP):
            reply, _, _ = started.run(cell)
            assert reply["status"] == "ok", reply
        yield started


def test_the_card_predicts_for_the_step_that_failed_and_the_advice_fits(kernel):
    reply, _, shown = kernel.run("EasyTrain.fit(trainer, 1, photos, null)")
    assert reply["status"] == "error"
    (card,) = [data["text/plain"] for data in shown if "Out of memory" in data["text/plain"]]
    assert "block SequentialBlock on (512, 3, 64, 64) batch=512 optimizer=adam" in card
    advice = re.search(r"gradient accumulation, (\d+) micro-batches · saves [\d.]+ GiB, the budget: .* then it fits", card)
    assert advice, card
    assert "gradient checkpointing, because it would save" in card
    reply, _, _ = kernel.run(f"""
        try (var batch = photos.getData(data).iterator().next()) {{ MicroBatches.train(trainer, batch, {advice[1]}); }}
        trainer.step();""")
    assert reply["status"] == "ok", reply
