package io.headroom.diagnosis;

import io.headroom.budget.Estimate;
import io.headroom.memory.Leak;
import io.headroom.memory.Limit;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.Reading;
import io.headroom.workload.Workload;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * What a live notebook knows beside the message; everything may be missing.
 *
 * <pre>{@code
 * Situation.unknown()
 *         .in(Situation.Kernel.JJAVA)
 *         .readings(timeline)              // the newest last, taken as soon after the failure as can be
 *         .workload(step)
 *         .code(cell);
 * }</pre>
 *
 * <p>Immutable: each call returns another one.
 *
 * @param kernel where the advice will be typed
 * @param readings readings before the failure, one per step or stage, oldest first
 * @param workload what was run when it failed
 * @param heldByCell bytes of the arrays that the failed cell left open
 * @param heldIn the variables whose lists and maps hold some of these
 * @param code the failing cell
 * @param models the models that are loaded and the bytes of their weights, oldest first
 * @param leaks what a monitor that took the readings saw grow, fastest first
 * @param inPlace bytes of the workload's weights, gradients and optimizer state that the process holds already
 */
public record Situation(
        Kernel kernel,
        List<Reading> readings,
        Optional<Workload> workload,
        OptionalLong heldByCell,
        List<String> heldIn,
        Optional<String> code,
        Map<String, Long> models,
        List<Leak> leaks,
        long inPlace) {
    private static final String EPOCH = "epoch #";
    private static final Pattern TRAINING = Pattern.compile("(?<!pre)train(?!ed)|backward|\\bstep\\b");

    /** Where the advice will be typed. */
    public enum Kernel {
        JJAVA,
        IJAVA,
        /** A terminal: no notebook, and maybe no Java. */
        SHELL
    }

    public Situation {
        readings = List.copyOf(readings);
        heldIn = List.copyOf(heldIn);
        leaks = List.copyOf(leaks);
        models = Collections.unmodifiableMap(new LinkedHashMap<>(models));
    }

    /** Nothing but a message, outside any notebook. */
    public static Situation unknown() {
        return new Situation(
                Kernel.SHELL,
                List.of(),
                Optional.empty(),
                OptionalLong.empty(),
                List.of(),
                Optional.empty(),
                Map.of(),
                List.of(),
                0);
    }

    public Situation in(Kernel where) {
        return new Situation(where, readings, workload, heldByCell, heldIn, code, models, leaks, inPlace);
    }

    public Situation readings(List<Reading> taken) {
        return new Situation(kernel, taken, workload, heldByCell, heldIn, code, models, leaks, inPlace);
    }

    /** The workload that failed; {@code null} for none. */
    public Situation workload(Workload failed) {
        return new Situation(
                kernel, readings, Optional.ofNullable(failed), heldByCell, heldIn, code, models, leaks, inPlace);
    }

    /** What the failed cell left open, and the variables whose lists and maps hold some of it. */
    public Situation heldByCell(long bytes, List<String> in) {
        return new Situation(kernel, readings, workload, OptionalLong.of(bytes), in, code, models, leaks, inPlace);
    }

    /** The failing cell's text; {@code null} for none. */
    public Situation code(String cell) {
        return new Situation(
                kernel, readings, workload, heldByCell, heldIn, Optional.ofNullable(cell), models, leaks, inPlace);
    }

    /** The models that are loaded and the bytes of their weights, oldest first. */
    public Situation models(Map<String, Long> loaded) {
        return new Situation(kernel, readings, workload, heldByCell, heldIn, code, loaded, leaks, inPlace);
    }

    /** What a monitor that took the readings saw grow, fastest first. */
    public Situation leaks(List<Leak> growing) {
        return new Situation(kernel, readings, workload, heldByCell, heldIn, code, models, growing, inPlace);
    }

    /** What of the workload the process holds already: the room for it is the head-room and that. */
    public Situation inPlace(long bytes) {
        return new Situation(kernel, readings, workload, heldByCell, heldIn, code, models, leaks, bytes);
    }

    /** What the workload may take where it runs on the host; absent where no reading tells. */
    OptionalLong room() {
        OptionalLong headroom = last().map(Reading::headroom).orElse(OptionalLong.empty());
        return headroom.isPresent() && headroom.getAsLong() <= Long.MAX_VALUE - inPlace
                ? OptionalLong.of(headroom.getAsLong() + inPlace)
                : headroom;
    }

    /** What the workload needs; empty without one, and where it can only be measured. */
    Optional<Estimate> estimate() {
        try {
            return workload.map(Estimate::of);
        } catch (IllegalArgumentException | ArithmeticException | UnsupportedOperationException unread) {
            return Optional.empty();
        }
    }

    Optional<Reading> last() {
        return readings.isEmpty() ? Optional.empty() : Optional.of(readings.get(readings.size() - 1));
    }

    /** The limit that lets an allocation fail with a message: a cap or a ulimit, the one with least left. */
    Optional<Limit> cap() {
        return last().flatMap(reading -> reading.limits().stream()
                .filter(limit -> switch (limit.kind()) {
                    case CAP, RLIMIT_DATA, RLIMIT_AS -> true;
                    default -> false;
                })
                .min(Comparator.comparingLong((Limit limit) -> limit.headroom().orElse(limit.bytes()))
                        .thenComparingLong(Limit::bytes)));
    }

    /** What the process held of a cap at its highest, as far as the last reading tells; 0 if it does not. */
    long held(Limit cap) {
        OptionalLong peak = last().map(reading -> reading.process().peak()).orElse(OptionalLong.empty());
        return Math.max(cap.used().orElse(0), Math.min(peak.orElse(0), cap.bytes()));
    }

    Optional<Limit> machine() {
        return last().flatMap(reading -> reading.limits().stream()
                .filter(limit -> limit.kind() == Limit.Kind.PHYSICAL)
                .findFirst());
    }

    /** What the machine had left when the allocation failed: the last reading was taken when the step had given back its own. */
    OptionalLong machineLeft() {
        OptionalLong now = machine().map(Limit::headroom).orElse(OptionalLong.empty());
        if (now.isEmpty()) {
            return now;
        }
        OptionalLong peak = last().map(reading -> reading.process().peak()).orElse(OptionalLong.empty());
        OptionalLong rss = last().map(Reading::rss).orElse(OptionalLong.empty());
        long back = peak.isPresent() && rss.isPresent() ? Math.max(0, peak.getAsLong() - rss.getAsLong()) : 0;
        return OptionalLong.of(Math.max(0, now.getAsLong() - back));
    }

    /** Whether the failing cell loads or predicts and shows nothing of a training. */
    boolean onlyPredicts() {
        String cell = code.orElse("").toLowerCase(Locale.ROOT);
        return (cell.contains("predict") || cell.contains("load(") || cell.contains("pipeline"))
                && !TRAINING.matcher(cell).find();
    }

    /** {@code -Xmx} as it is in force; 0 where this is no live notebook. */
    long heapMax() {
        return last().map(reading -> reading.jvm().heapMax().orElse(0)).orElse(0L);
    }

    OptionalLong liveArrays() {
        return last().flatMap(Reading::arrays)
                .map(LiveArrays::bytes)
                .map(OptionalLong::of)
                .orElse(OptionalLong.empty());
    }

    /**
     * Used bytes over the steps before the failure, of the memory that ran out.
     *
     * <p>Steps are readings of one kind, {@code step 1}, {@code step 2}, or without a name, whatever epochs end between them:
     * models loaded one after another grow memory too, and are no leak. What a failed step has given back since says nothing.
     */
    List<Long> used(Series memory) {
        int last = readings.size() - 1;
        int at = lastStep();
        String step = at < 0 ? "" : kind(readings.get(at));
        Deque<Long> used = new ArrayDeque<>();
        for (;
                at >= 0
                        && (kind(readings.get(at)).equals(step)
                                || kind(readings.get(at)).equals(EPOCH));
                at--) {
            if (kind(readings.get(at)).equals(step)) {
                memory.used(readings.get(at)).ifPresent(used::addFirst);
            }
        }
        List<Long> rising = new ArrayList<>(used);
        while (rising.size() > 1 && rising.get(rising.size() - 1) < rising.get(rising.size() - 2)) {
            rising.remove(rising.size() - 1); // a thread of its own reads on while the failed step gives back
        }
        if (last >= 0) {
            memory.used(readings.get(last)).stream()
                    .filter(now -> kind(readings.get(last)).equals(step)
                            || rising.isEmpty()
                            || now >= rising.get(rising.size() - 1))
                    .forEach(rising::add);
        }
        return List.copyOf(rising);
    }

    /** Whether each reading of {@link #used} is one step: a monitor's thread reads between steps too, and names none. */
    boolean countsSteps() {
        int at = lastStep();
        return at >= 0 && !kind(readings.get(at)).isEmpty();
    }

    private int lastStep() {
        int at = readings.size() - 2;
        while (at > 0 && kind(readings.get(at)).equals(EPOCH)) {
            at--;
        }
        return at;
    }

    private static String kind(Reading reading) {
        String kind = reading.stage().replaceAll("[0-9]+", "#");
        return kind.endsWith(" loaded") || kind.endsWith(" released") ? reading.stage() + reading.at() : kind;
    }
}
