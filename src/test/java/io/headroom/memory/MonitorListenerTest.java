package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.loss.Loss;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MonitorListenerTest {
    @Test
    void djlsTrainingLoopDrivesTheMonitor() throws Exception {
        List<String> printed = new ArrayList<>();
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(2).printTo(printed::add);
                NDManager manager = NDManager.newBaseManager("PyTorch");
                Model model = Model.newInstance("line", "PyTorch")) {
            model.setBlock(Linear.builder().setUnits(1).build());
            ArrayDataset data = new ArrayDataset.Builder()
                    .setData(manager.randomNormal(new Shape(32, 4)))
                    .optLabels(manager.randomNormal(new Shape(32, 1)))
                    .setSampling(8, false)
                    .build();
            try (Trainer trainer = model.newTrainer(
                    new DefaultTrainingConfig(Loss.l2Loss()).addTrainingListeners(monitor.listener()))) {
                trainer.initialize(new Shape(8, 4));
                EasyTrain.fit(trainer, 2, data, null);
            }
            assertThat(printed).hasSize(4).allMatch(line -> line.startsWith("Step "));
            assertThat(monitor.timeline().readings()).extracting(Reading::stage).contains("epoch 1", "epoch 2");
        }
    }

    @Test
    void aMonitorThatFailsStopsAloneAndSaysWhy() {
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1)
                .alarmBelow(Long.MAX_VALUE)
                .onAlarm(alarm -> {
                    throw new IllegalStateException("no room");
                })) {
            monitor.listener().onTrainingBatch(null, null);
            assertThat(monitor.isClosed()).isTrue();
            assertThat(monitor.lines())
                    .last()
                    .asString()
                    .isEqualTo("The monitor stopped: java.lang.IllegalStateException: no room");
        }
    }

    @Test
    void batchesThatATrainingLeavesOpenAreNamed() throws Exception {
        try (MemoryMonitor monitor = MemoryMonitor.everySteps(1);
                NDManager manager = NDManager.newBaseManager("PyTorch");
                Model model = Model.newInstance("line", "PyTorch")) {
            model.setBlock(Linear.builder().setUnits(1).build());
            ArrayDataset data = new ArrayDataset.Builder()
                    .setData(manager.randomNormal(new Shape(320, 4)))
                    .optLabels(manager.randomNormal(new Shape(320, 1)))
                    .setSampling(8, false)
                    .build();
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(Loss.l2Loss()))) {
                trainer.initialize(new Shape(8, 4));
                int step = 0;
                for (Batch batch : trainer.iterateDataset(data)) {
                    EasyTrain.trainBatch(trainer, batch);
                    monitor.step(++step);
                }
                assertThat(monitor.leaks()).anySatisfy(leak -> {
                    assertThat(leak.where()).isEqualTo("managers \"batch\"");
                    assertThat(leak.managers()).isBetween(30, 40);
                    assertThat(leak.shapes()).containsKey("(8, 4) float32");
                });
            }
        }
    }
}
