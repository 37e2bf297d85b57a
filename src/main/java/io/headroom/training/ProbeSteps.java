package io.headroom.training;

import ai.djl.engine.EngineException;
import io.headroom.memory.Watch;
import io.headroom.training.Probe.Step;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Chooses the small steps of a {@link Probe} and measures them, in this JVM. */
final class ProbeSteps {
    private static final long WANTED = 96 * Bytes.MIB;
    private static final long PART_OF_ROOM = 16;
    private static final long FIRST_SEQ_DIVISOR = 8;
    private static final long LARGEST_GROWTH = 64;
    private static final int MORE_STEPS = 5;
    private static final Pattern ASKED = Pattern.compile("allocate (\\d{1,18}) bytes");

    private final Workload one;
    private final long wanted;
    private final long room;
    private final Consumer<String> progress;
    private final List<Step> steps = new ArrayList<>();

    ProbeSteps(Workload workload, long roomBytes, Consumer<String> progress) {
        Workload single = workload.accumulation(1).batch(1);
        this.one = single.has(Option.NODES) && single.architecture() != Architecture.GAT ? single.nodes(1) : single;
        this.room = roomBytes;
        this.wanted = Math.min(WANTED, roomBytes / PART_OF_ROOM);
        this.progress = progress;
    }

    List<Step> run() {
        long full = one.length();
        double each = warmUp(full);
        long seq = steps.get(0).seq();
        if (full > seq) {
            // scores grow with the square: no more than that
            double growth = Math.sqrt(wanted / each);
            seq = Math.max(seq, Math.min(full, (long) (seq * growth)));
            each *= Math.pow((double) seq / steps.get(0).seq(), 2);
        }
        Step small = measure((long) Math.max(1, Math.min(LARGEST_GROWTH, wanted / each)), seq);
        Step large = grow(small);
        for (int i = 0; i < MORE_STEPS && large.passBytes() - small.passBytes() < wanted / 4; i++) {
            small = large;
            large = grow(small);
        }
        if (seq > 1) {
            other(large.sequences(), seq, full);
        }
        return steps;
    }

    /** More sequences, so many that what forward and backward take at most doubles beyond what is wanted. */
    private Step grow(Step small) {
        double took = Math.max(1, small.passBytes() - small.idleBytes());
        double factor = Math.max(2, Math.min(LARGEST_GROWTH, 2 * wanted / took));
        if (small.idleBytes() + took * factor > room / 4 * 3) {
            throw new IllegalStateException(
                    describe(small.sequences(), small.seq()) + " took " + Bytes.format(small.peakBytes()) + " of "
                            + Bytes.format(room) + ": there is no room for a second, larger step. Release models, or"
                            + " probe a shorter input or a smaller model.");
        }
        return measure((long) (small.sequences() * factor), small.seq());
    }

    /** One sequence, shorter at first; returns what one of the first step's length took in forward and backward. */
    private double warmUp(long full) {
        long first = Math.max(Math.min(full, 8), full / FIRST_SEQ_DIVISOR);
        Step step;
        try {
            step = measure(1, first);
        } catch (IllegalArgumentException ofThisLength) {
            if (first == full) {
                throw ofThisLength;
            }
            step = measure(1, full);
        }
        return Math.max(64 * Bytes.KIB, step.passBytes() - step.idleBytes());
    }

    /** Half the length; the full one if the block does not take half; a block may take one length alone. */
    private void other(long sequences, long seq, long full) {
        try {
            measure(2 * sequences, seq / 2);
        } catch (IllegalArgumentException notTaken) {
            progress.accept(describe(1, seq / 2) + " is not taken by the block");
            if (seq < full) {
                measure(Math.max(1, sequences * seq / full * seq / full), full);
            }
        }
    }

    private Step measure(long sequences, long seq) {
        Workload step = one.batch(sequences);
        step = seq > 0 ? step.length(seq) : step;
        progress.accept(describe(sequences, seq));
        try {
            // the JVM's compiler and collector only ever add to a peak: the lower of two is the step's
            Step first = run(step, sequences, seq);
            Step again = run(step, sequences, seq);
            Step lower = new Step(
                    sequences,
                    seq,
                    Math.min(first.idleBytes(), again.idleBytes()),
                    Math.min(first.passBytes(), again.passBytes()),
                    Math.min(first.updateBytes(), again.updateBytes()));
            steps.add(lower);
            return lower;
        } catch (EngineException refused) {
            if (isOutOfMemory(refused)) {
                throw new IllegalStateException(
                        describe(sequences, seq) + (sequences == 1 ? " does" : " do") + " not fit the "
                                + Bytes.format(room)
                                + " there are" + asked(refused)
                                + ". Release models, raise the limit, or probe a shorter"
                                + " input or a smaller model.",
                        refused);
            }
            throw new IllegalArgumentException(
                    "the model does not run on an input of " + step.inputShape() + ": " + refused.getMessage(),
                    refused);
        }
    }

    private static Step run(Workload step, long sequences, long seq) {
        try (Marks marks = new Marks()) {
            return marks.step(sequences, seq, StepRunner.run(step, marks));
        }
    }

    /** Of libtorch's message, whose text is the cause's, the bytes. */
    private static String asked(Throwable refused) {
        Matcher bytes = ASKED.matcher(String.valueOf(refused.getMessage()));
        return bytes.find() ? ": the engine was refused " + Bytes.format(Long.parseLong(bytes.group(1))) : "";
    }

    private static boolean isOutOfMemory(Throwable refused) {
        return String.valueOf(refused.getMessage()).contains("alloc");
    }

    private String describe(long sequences, long seq) {
        return sequences + " " + Probe.noun(one) + (sequences == 1 ? "" : "s") + (seq == 0 ? "" : " of " + seq);
    }

    /** Takes the peaks of a step's stages as the runner tells them. */
    private static final class Marks implements Consumer<String>, AutoCloseable {
        private Watch pass;
        private Watch update;
        private long passPeak;

        @Override
        public void accept(String stage) {
            if (stage.startsWith("forward")) {
                pass = Watch.start("forward and backward");
            } else if (stage.equals("update")) {
                passPeak = pass.highest().orElse(0);
                update = Watch.start("update");
            }
        }

        Step step(long sequences, long seq, Measurement measured) {
            long idle = measured.idleBytes();
            long before = pass.before().rss().orElse(idle) - idle;
            long highest = update == null ? pass.highest().orElse(0) : passPeak;
            long inUpdate = update == null ? 0 : update.highest().orElse(0) - idle;
            return new Step(sequences, seq, before, highest - idle, inUpdate);
        }

        @Override
        public void close() {
            if (pass != null) {
                pass.close();
            }
            if (update != null) {
                update.close();
            }
        }
    }
}
