package io.headroom.training;

import io.headroom.memory.EngineEnvironment;
import io.headroom.units.Bytes;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * What a step will take, told from small steps that were measured: for a model of which nothing is known but that it runs.
 *
 * <p>Steps of few sequences lead up to two small ones of different batches, and a third of half the sequence where the input
 * has one; each runs twice and the lower peak counts. Peaks grow with the batch in a straight line and with the sequence as {@code a·seq +
 * b·seq²} (attention's scores, Vaswani et al. 2017); nodes multiply the batch. Forward and backward get one such curve, the
 * update another, and a larger step takes the higher of the two. Steps aim at a
 * sixteenth of the room, and none is run of which the ones before tell that it takes more than three quarters of it,
 * so finding the limit costs no failure.
 *
 * <p>A model described by sizes is measured in a JVM of its own with fixed malloc thresholds. A block of your own exists in
 * this JVM alone, so it is measured here, on copies of its weights, under a cap (Linux) at which the engine refuses an
 * allocation and nothing dies. With malloc as it comes, peaks lie above those with fixed thresholds, see {@code docs/budget.md}.
 *
 * <pre>{@code
 * Probe probe = Probe.of(Workload.of(block, new Shape(8, 128, 32), adam()), Bytes.parse("6 GiB"), stage -> {});
 * probe.at(probe.workload().batch(64)).upperBytes();
 * probe.largest(Option.BATCH, Bytes.parse("6 GiB"));       // OptionalLong[412]
 * }</pre>
 *
 * @param workload what the probe was asked about
 * @param roomBytes what the process may still take
 * @param steps measured, the smallest first
 * @param forked whether in a JVM of its own
 * @param capped whether a cap was in force in this JVM meanwhile
 * @param steady whether freed memory went back at once, so that peaks repeat to 0.2 %; else an error of 15 % is allowed for
 */
public record Probe(
        Workload workload, long roomBytes, List<Step> steps, boolean forked, boolean capped, boolean steady) {
    /**
     * A measured step; bytes are above the idle process.
     *
     * @param sequences that went through the model at once
     * @param seq positions of each, 0 where the input has none
     * @param idleBytes before the step: weights, gradients, optimizer state
     * @param passBytes highest in forward and backward
     * @param updateBytes highest in the update, 0 for inference
     */
    public record Step(long sequences, long seq, long idleBytes, long passBytes, long updateBytes) {
        public long peakBytes() {
            return Math.max(passBytes, updateBytes);
        }
    }

    /**
     * What a step will take, above the idle process.
     *
     * @param expectedBytes on the fitted curve
     * @param upperBytes of both curves the higher bound: above the curve by 5 %, 8 MiB and what an error of the measured peaks becomes on the way; beyond the measured
     *     sequence also half of what is missing to growth with its square, with malloc as it comes all of it
     * @param inUpdate whether the peak falls in the optimizer step
     */
    public record Projection(Workload workload, long expectedBytes, long upperBytes, boolean inUpdate) {
        /** {@code "mlp batch=64 …: 1.20 GiB, at most 1.28 GiB"}. */
        @Override
        public String toString() {
            return workload + ": " + Bytes.format(expectedBytes) + ", at most " + Bytes.format(upperBytes)
                    + (inUpdate ? " (in the update)" : "");
        }
    }

    private static final double MARGIN_FACTOR = 1.05;
    private static final long MARGIN = 8 * Bytes.MIB;

    public Probe {
        steps = List.copyOf(steps);
    }

    /**
     * Measures the small steps of a workload.
     *
     * @param roomBytes what the process may still take; steps aim at a sixteenth of it
     * @param progress is told each step as it begins
     * @throws IllegalArgumentException if the workload cannot run in DJL, or its block does not take the input
     * @throws IllegalStateException if one sequence alone needs more than the room allows, or the other JVM fails
     * @throws java.util.concurrent.CancellationException if the thread was interrupted; the other JVM has ended
     */
    public static Probe of(Workload workload, long roomBytes, Consumer<String> progress) {
        RunCheck.check(workload.validate());
        if (!workload.device().equalsIgnoreCase("cpu")) {
            throw new IllegalArgumentException("device = " + workload.device()
                    + ": a probe measures the process, so it tells of the CPU alone. Use device = cpu.");
        }
        if (!workload.isOwnBlock()) {
            return new Probe(workload, roomBytes, ProbeProcess.run(workload, roomBytes, progress), true, false, true);
        }
        try (ProbeCap cap = ProbeCap.of(roomBytes)) {
            return new Probe(
                    workload,
                    roomBytes,
                    new ProbeSteps(workload, roomBytes, progress).run(),
                    false,
                    cap.holds(),
                    EngineEnvironment.now().returnsFreedMemory());
        }
    }

    /** What the probed workload itself will take. */
    public Projection projection() {
        return at(workload);
    }

    /**
     * What the same model will take at another batch, number of nodes, sequence or accumulation.
     *
     * @throws IllegalArgumentException if anything else differs: that needs a probe of its own
     */
    public Projection at(Workload other) {
        checkSameModel(other);
        long seq = other.length();
        ProbeFit pass = ProbeFit.of(steps, steady, Step::passBytes);
        ProbeFit update = ProbeFit.of(steps, steady, Step::updateBytes);
        if (!pass.knowsSequences() && seq != steps.get(steps.size() - 1).seq()) {
            throw new IllegalArgumentException("seq = " + seq + ": the block ran on sequences of "
                    + steps.get(steps.size() - 1).seq() + " alone, so nothing is known of others.");
        }
        boolean later = update.bytes(other.sequences(), seq) > pass.bytes(other.sequences(), seq);
        double expected = (later ? update : pass).bytes(other.sequences(), seq);
        double upper = Math.max(upper(pass, other.sequences(), seq), upper(update, other.sequences(), seq));
        if (upper >= Long.MAX_VALUE) {
            throw new ArithmeticException(other + " would take more than 2^63 bytes");
        }
        return new Projection(other, Math.round(expected), Math.round(upper), later);
    }

    /** The lower of two curves may be the one that is steeper than told. */
    private static double upper(ProbeFit fit, long sequences, long seq) {
        return fit.reach(sequences, seq) * MARGIN_FACTOR + MARGIN + fit.error(sequences, seq);
    }

    private void checkSameModel(Workload other) {
        Map<String, Object> mine = fixed(workload);
        Map<String, Object> theirs = fixed(other);
        boolean sameBlock = workload.isOwnBlock() == other.isOwnBlock()
                && (!workload.isOwnBlock() || workload.block() == other.block());
        if (workload.architecture() != other.architecture() || !sameBlock || !mine.equals(theirs)) {
            throw new IllegalArgumentException("the probe measured " + workload + ", not " + other
                    + ": batch, nodes, seq and accumulation may differ, all else needs a probe of its own.");
        }
    }

    private static Map<String, Object> fixed(Workload workload) {
        Map<String, Object> map = new TreeMap<>(workload.toMap());
        List.of(Option.BATCH, Option.NODES, Option.SEQ, Option.ACCUMULATION)
                .forEach(option -> map.remove(option.key()));
        return map;
    }

    /**
     * The largest batch, number of nodes or sequence whose upper bound fits; empty if not even 1 does.
     *
     * @param option {@code BATCH}, {@code NODES} or {@code SEQ}
     */
    public OptionalLong largest(Option option, long limitBytes) {
        long low = option == Option.BATCH ? workload.accumulation() : 1;
        if (!fits(option, low, limitBytes)) {
            return OptionalLong.empty();
        }
        long high = low;
        while (high < 1L << 40 && fits(option, high, limitBytes)) {
            low = high;
            high *= 2;
        }
        while (high - low > 1) {
            long middle = (low + high) >>> 1;
            if (fits(option, middle, limitBytes)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return OptionalLong.of(low);
    }

    private boolean fits(Option option, long value, long limitBytes) {
        try {
            return at(workload.with(option, value)).upperBytes() <= limitBytes;
        } catch (ArithmeticException beyond) {
            return false;
        }
    }

    /** The steps, the curve and the answer, a line each. */
    @Override
    public String toString() {
        StringBuilder text =
                new StringBuilder("Probe of ").append(workload).append('\n').append(where());
        steps.forEach(step -> text.append("\n  ").append(describe(noun(workload), step)));
        return text.append("\n  ").append(told()).toString();
    }

    private String told() {
        try {
            Projection here = projection();
            return "peak = " + curve() + "\n  this step: " + Bytes.format(here.expectedBytes()) + ", at most "
                    + Bytes.format(here.upperBytes()) + (here.inUpdate() ? " (in the update)" : "") + "; "
                    + answer(here);
        } catch (IllegalArgumentException | ArithmeticException unknown) {
            return "of this step nothing is told: " + unknown.getMessage();
        }
    }

    /** The fitted curve with its numbers: {@code "31.20 MiB + sequences × (410 bytes × seq + 1.30 KiB × seq²)"}. */
    public String curve() {
        return ProbeFit.of(steps, steady, projection().inUpdate() ? Step::updateBytes : Step::passBytes)
                .toString(noun());
    }

    /** Where and how it was measured. */
    public String where() {
        if (forked) {
            return "measured in a JVM of its own, malloc thresholds fixed";
        }
        return "measured in this JVM, since the block exists only here, on copies of its weights; "
                + (capped ? "under a cap at which the engine refuses an allocation" : "no step came near the room")
                + (steady ? "" : ", with malloc as it comes");
    }

    /** The verdict and the largest batch, in words. */
    public String answer() {
        return answer(projection());
    }

    private String answer(Projection here) {
        if (roomBytes == Long.MAX_VALUE) {
            return "the room here is not known";
        }
        String verdict = here.upperBytes() <= roomBytes
                ? "fits"
                : here.expectedBytes() <= roomBytes ? "fits barely" : "does not fit";
        OptionalLong batch = largest(Option.BATCH, roomBytes);
        return verdict + " the " + Bytes.format(roomBytes) + " there are; "
                + (batch.isPresent() ? "largest batch: " + batch.getAsLong() : "no batch fits");
    }

    /** What goes through the model beside each other: sequences where the input has them, else samples. */
    public String noun() {
        return noun(workload);
    }

    static String noun(Workload workload) {
        return workload.length() > 0 ? "sequence" : "sample";
    }

    static String describe(String noun, Step step) {
        return String.format(
                Locale.ROOT,
                "%d %s%s: peak %s",
                step.sequences(),
                step.sequences() == 1 ? noun : noun + "s",
                step.seq() == 0 ? "" : " of " + step.seq(),
                Bytes.format(step.peakBytes()));
    }
}
