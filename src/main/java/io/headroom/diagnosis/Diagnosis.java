package io.headroom.diagnosis;

import io.headroom.oom.Field;
import io.headroom.oom.Log;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Wording;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What an out-of-memory error means: its cause with evidence and confidence, what its numbers imply, what to do in
 * order of bytes saved, and what will not help.
 *
 * <p>Says {@link Cause#UNKNOWN} and what to measure next rather than guess. Confidence is a rank, set with each rule by how
 * far its figures settle the cause, and no frequency; {@code docs/diagnosis.md} sets it beside how often labelled messages
 * agree. Above 0.8 nothing but this cause explains the figures.
 *
 * <pre>{@code
 * Diagnosis diagnosis = Diagnosis.of(OutOfMemory.read(text).orElseThrow(), Situation.unknown());
 * diagnosis.cause();          // FRAGMENTATION
 * diagnosis.what();           // "PyTorch on CUDA could not get 1.70 GiB: …"
 * diagnosis.remedies();       // the one that saves most comes first
 * }</pre>
 *
 * <p>Immutable; computing it needs no kernel, no GPU and little memory.
 *
 * @param failure what the message states
 * @param cause why, as far as can be told
 * @param confidence 0 to 1, for ranking
 * @param what one sentence on what happened
 * @param evidence why this cause
 * @param implied what else the numbers say
 * @param remedies what to do, most bytes first
 * @param wontHelp what cannot help here, and why
 * @param measureNext what would settle it, where the cause is not sure
 * @param others further failures in the same text, later than this one
 * @param map the memory at the failure, where the message or the notebook tells it
 */
public record Diagnosis(
        OutOfMemory failure,
        Cause cause,
        double confidence,
        String what,
        List<String> evidence,
        List<String> implied,
        List<Advice> remedies,
        List<WontHelp> wontHelp,
        List<String> measureNext,
        List<OutOfMemory> others,
        Optional<MemoryMap> map) {
    private static final double SURE = 0.7;
    private static final double DOUBTED = 0.3;

    public Diagnosis {
        evidence = List.copyOf(evidence);
        implied = List.copyOf(implied);
        remedies = List.copyOf(remedies);
        wontHelp = List.copyOf(wontHelp);
        measureNext = List.copyOf(measureNext);
        others = List.copyOf(others);
    }

    /** Diagnoses one failure. */
    public static Diagnosis of(OutOfMemory oom, Situation situation) {
        return of(oom, List.of(), situation);
    }

    /** Diagnoses the first failure of a text or throwable; empty if it holds none. */
    public static Optional<Diagnosis> of(Log log, Situation situation) {
        return log.first().map(first -> {
            Diagnosis diagnosis = of(first, log.others(), situation);
            return log.nearMisses().isEmpty() ? diagnosis : diagnosis.beside(log);
        });
    }

    /** With what else the text says: a fault before the failure may be behind it, one after it may be its consequence. */
    private Diagnosis beside(Log log) {
        boolean doubted = !log.earlier().isEmpty() && failure.sizes().isEmpty();
        List<String> more = new ArrayList<>(evidence);
        log.earlier()
                .forEach(near -> more.add("The text says before it: " + near.what()
                        + (doubted ? " That may be the first fault, and this one its consequence." : "")));
        List<String> after = new ArrayList<>(implied);
        log.nearMisses().stream()
                .filter(near -> !log.earlier().contains(near))
                .forEach(near -> after.add("Later in the same text: " + near.what()));
        return new Diagnosis(
                failure,
                cause,
                doubted ? Math.min(confidence, DOUBTED) : confidence,
                what,
                more,
                after,
                remedies,
                wontHelp,
                measureNext,
                others,
                map);
    }

    private static Diagnosis of(OutOfMemory oom, List<OutOfMemory> others, Situation situation) {
        Growth growth = Growth.of(situation.used(Series.of(oom)));
        Verdict stated =
                switch (oom.allocator()) {
                    case MPS -> MetalCauses.of(oom);
                    case CUDA, HIP, XPU, CUBLAS, CUDNN, NCCL -> DeviceCauses.of(oom);
                    default -> HostCauses.of(oom, situation);
                };
        boolean settled = stated.cause() == Cause.OVERSIZED_REQUEST
                || stated.cause() == Cause.SHAPE_BUG
                || stated.cause() == Cause.OTHER_PROCESS;
        Verdict judged = settled
                ? stated
                : growth.leak(situation).map(leak -> joined(leak, stated)).orElse(stated);
        Verdict verdict = budgeted(coded(judged, situation), situation);
        Advisor advisor = new Advisor(oom, verdict.cause(), situation, growth);
        return new Diagnosis(
                oom,
                verdict.cause(),
                verdict.confidence(),
                sentence(oom, verdict.cause()) + KilledProcess.sentence(oom),
                verdict.evidence(),
                new Implied(oom).sentences(oom),
                advisor.remedies(),
                advisor.wontHelp(),
                verdict.confidence() >= SURE ? List.of() : Measure.next(oom, situation),
                others,
                MemoryMap.of(oom, situation));
    }

    private static Verdict joined(Verdict leak, Verdict stated) {
        Verdict all = leak;
        for (String line : stated.evidence()) {
            all = all.because(line);
        }
        return all;
    }

    private static Verdict coded(Verdict verdict, Situation situation) {
        Verdict all = verdict;
        for (String line : situation.code().map(CellCode::evidence).orElse(List.of())) {
            all = all.because(line);
        }
        return all;
    }

    private static Verdict budgeted(Verdict verdict, Situation situation) {
        if (situation.workload().isEmpty()) {
            return verdict;
        }
        Workload step = situation.workload().get();
        boolean own = step.architecture() == Architecture.BLOCK;
        return situation
                .estimate()
                .map(estimate ->
                        verdict.because("The budget: this step" + (own ? " (" + step + ")" : "") + " is estimated at "
                                + Bytes.format(estimate.deviceBytes()) + " above the idle process, at most "
                                + Bytes.format(estimate.upperBytes()) + ", its peak in the " + estimate.peakPhase()
                                + " at " + estimate.peakOperator() + "."))
                .orElseGet(() -> own
                        ? verdict.because("The step was " + step + ", whose code cannot be read: probe(block, "
                                + "shape, optimizer) runs a few small steps of it and tells what this one needs.")
                        : verdict);
    }

    /** How sure the cause is, in words: {@code "all but certain"}, {@code "likely"}, {@code "a guess"}. */
    public String confidenceInWords() {
        if (confidence > 0.8) {
            return "all but certain";
        }
        if (confidence >= 0.65) {
            return "likely";
        }
        return confidence >= 0.5 ? "more likely than not" : "a guess";
    }

    private static String sentence(OutOfMemory oom, Cause cause) {
        String asked = oom.size(Field.REQUESTED).map(size -> " " + size).orElse(" memory");
        String device = oom.device().isPresent() ? " on GPU " + oom.device().getAsInt() : "";
        String wrapped = oom.isWrapped() ? " (through Java)" : "";
        String who = oom.allocator().title();
        String subject =
                switch (oom.allocator()) {
                    case CPU ->
                        oom.size(Field.REQUESTED).isPresent()
                                ? "Host memory" + wrapped + " could not give" + asked
                                : "An allocation of host memory failed" + wrapped;
                    case JVM -> "The JVM could not get" + asked;
                    case OOM_KILLER -> "The operating system killed the process for its memory";
                    case DATALOADER_SHM ->
                        oom.wording() == Wording.SHM_MAP
                                ? "Shared memory could not give" + asked
                                : "A DataLoader worker died";
                    default ->
                        (who.startsWith("cu") ? who : Character.toUpperCase(who.charAt(0)) + who.substring(1)) + wrapped
                                + " could not get" + asked + device;
                };
        String where = oom.where().map(place -> ", at " + place).orElse("");
        return subject + where + ": " + reason(oom, cause) + ".";
    }

    private static String reason(OutOfMemory oom, Cause cause) {
        Implied seen = new Implied(oom);
        if (cause == Cause.CAPACITY && seen.othersMatter()) {
            return cause.title() + " beside " + seen.othersNamed();
        }
        return oom.wording() == Wording.CGROUP_KILL ? "its container's memory limit was reached" : cause.title();
    }

    /** The saving in words: {@code "3.56 GiB, the holes stated"}, or {@code "not told by the message"}. */
    public static String saving(Advice advice) {
        return advice.saves().isPresent()
                ? Bytes.format(advice.saves().getAsLong()) + ", " + advice.basis()
                : "not told by the message";
    }
}
