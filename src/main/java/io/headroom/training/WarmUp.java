package io.headroom.training;

import ai.djl.Device;
import ai.djl.nn.Block;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CancellationException;

/**
 * Runs a tiny step of a kind before the first one that is measured: the libraries, threads, classes and compiled code that it brings,
 * some 20 MiB, are the process's from then on and not the step's.
 */
final class WarmUp {
    private static final String CPU = "cpu";
    private static final Set<Object> DONE = new HashSet<>();

    private WarmUp() {}

    static void before(Workload workload, Device device) {
        Architecture kind = workload.isOwnBlock() ? kind(workload.block()) : workload.architecture();
        if (!device.isGpu()) {
            once(kind, () -> StepRunner.run(tiny(kind), stage -> {}, device, new Nothing()));
        }
    }

    static void before(SampleTraining training, Device device) {
        if (!device.isGpu()) {
            once(SampleTraining.class, () -> SampleTraining.of(4, 64 * Bytes.KIB)
                    .prefetch(Math.min(1, training.prefetch()))
                    .device(CPU)
                    .run(stage -> {}, device, new Nothing()));
        }
    }

    /** What does not fit under a cap is left to the step itself to tell. */
    private static synchronized void once(Object kind, Runnable tiny) {
        if (DONE.contains(kind)) {
            return;
        }
        try {
            tiny.run();
            DONE.add(kind);
        } catch (CancellationException interrupted) {
            throw interrupted;
        } catch (RuntimeException refused) {
            DONE.remove(kind);
        }
    }

    /** Large enough for the engine's threads to share the work. */
    private static Workload tiny(Architecture kind) {
        Workload tiny =
                switch (kind) {
                    case TRANSFORMER ->
                        Workload.transformer()
                                .batch(2)
                                .seq(32)
                                .dModel(64)
                                .heads(2)
                                .ff(512)
                                .layers(1);
                    case CNN -> Workload.cnn().batch(2).image(16).layers(2);
                    case LSTM -> Workload.lstm().batch(2).seq(8);
                    case GAT -> Workload.gat().nodes(32).features(16);
                    default -> Workload.mlp().batch(64).dModel(512).layers(2).features(64);
                };
        return tiny.training(OptimizerKind.ADAM);
    }

    private static Architecture kind(Block block) {
        String name = block.getClass().getPackageName();
        if (name.equals("ai.djl.nn.convolutional")) {
            return Architecture.CNN;
        }
        if (name.equals("ai.djl.nn.recurrent")) {
            return Architecture.LSTM;
        }
        if (name.equals("ai.djl.nn.transformer")) {
            return Architecture.TRANSFORMER;
        }
        return block.getChildren().values().stream()
                .map(WarmUp::kind)
                .filter(kind -> kind != Architecture.MLP)
                .findFirst()
                .orElse(Architecture.MLP);
    }

    /** A step that is run and not measured. */
    private static final class Nothing implements StepMeter {
        @Override
        public long idleBytes() {
            return 0;
        }

        @Override
        public long roseBytes() {
            return 0;
        }

        @Override
        public boolean exact() {
            return true;
        }

        @Override
        public void close() {
            // nothing was begun
        }
    }
}
