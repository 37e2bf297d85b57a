package io.headroom.allocator;

import io.headroom.allocator.WhatIf.Row;
import io.headroom.trace.Trace;
import io.headroom.trace.TraceEdits;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** Replays a run as it was, under other settings and with its program changed, and puts the best first. */
final class Alternatives {
    private static final String NO_DIFFERENCE = "makes no difference to this run";

    private final Trace trace;
    private final AllocatorSettings recorded;
    private final Capacity capacity;
    private final boolean totalKnown;

    /** {@code totalKnown}: whether the card's size was given, so that a memory fraction means what it says. */
    Alternatives(Trace trace, AllocatorSettings recorded, Capacity capacity, boolean totalKnown) {
        this.trace = trace;
        this.recorded = recorded;
        this.capacity = capacity;
        this.totalKnown = totalKnown;
    }

    List<Row> rows(List<String> confs, Consumer<String> progress) {
        progress.accept("as it was");
        Row asItWas = new Row(
                recorded.isDefault() ? "as it was (default settings)" : "as it was (" + recorded + ")",
                "",
                Row.Kind.RECORDED,
                replay(trace, recorded));
        List<Row> all = new ArrayList<>();
        addSettings(all, confs, progress);
        progress.accept("the program changed");
        addProgramChanges(all);
        all.replaceAll(row -> endAlike(row.footprint(), asItWas.footprint())
                ? new Row(row.change(), NO_DIFFERENCE, row.kind(), row.footprint())
                : row);
        all.add(asItWas);
        all.sort(Comparator.comparing((Row row) -> !row.survives())
                .thenComparingLong(
                        row -> row.survives() ? row.footprint().peakReserved().bytes() : -reached(row.footprint()))
                .thenComparing(row -> !row.recorded())
                .thenComparingLong(row -> row.footprint().statistics().numAllocRetries()));
        return List.copyOf(all);
    }

    private void addSettings(List<Row> all, List<String> confs, Consumer<String> progress) {
        Set<AllocatorSettings> tried = new LinkedHashSet<>(List.of(recorded.named("")));
        for (String conf : confs) {
            AllocatorSettings settings = AllocatorSettings.parse(conf);
            boolean needsLimit = settings.memoryFraction() < 1;
            if (tried.add(settings.named("")) && (capacity.total() != CachingAllocator.UNLIMITED || !needsLimit)) {
                progress.accept(settings.toString());
                all.add(new Row(settings.toString(), how(settings), Row.Kind.SETTING, replay(trace, settings)));
            }
        }
    }

    /** How far a run came, in allocations. */
    private static long reached(Footprint footprint) {
        return footprint.statistics().allocation().all().allocated();
    }

    private static boolean endAlike(Footprint one, Footprint other) {
        return one.survives() == other.survives()
                && reached(one) == reached(other)
                && one.peakReserved().bytes() == other.peakReserved().bytes()
                && one.statistics().numAllocRetries() == other.statistics().numAllocRetries();
    }

    private void addProgramChanges(List<Row> all) {
        int[] ends = TraceEdits.phaseEnds(trace);
        if (ends.length > 0) {
            all.add(new Row(
                    "empty cache after each of " + ends.length + (ends.length == 1 ? " phase" : " phases"),
                    "torch.cuda.empty_cache() where a phase ends; in DJL JniUtils.emptyCudaCache().",
                    Row.Kind.PROGRAM,
                    replay(TraceEdits.emptyingCache(trace, ends), recorded)));
        }
        int[] valleys = TraceEdits.valleys(trace);
        if (valleys.length == 0) {
            return;
        }
        all.add(new Row(
                valleys.length == 1
                        ? "empty cache after the step"
                        : "empty cache after each of " + valleys.length + " steps",
                "torch.cuda.empty_cache() where a step ends; in DJL JniUtils.emptyCudaCache(). Costs time on every step.",
                Row.Kind.PROGRAM,
                replay(TraceEdits.emptyingCache(trace, valleys), recorded)));
        all.add(new Row(
                "half the batch (approximate)",
                "halve the batch, or accumulate gradients over two halves",
                Row.Kind.APPROXIMATE,
                replay(TraceEdits.halfBatch(trace), recorded)));
    }

    private String how(AllocatorSettings settings) {
        if (settings.isDefault()) {
            return "unset PYTORCH_CUDA_ALLOC_CONF";
        }
        String profile = settings.conf().equals("expandable_segments:True")
                ? "; kernel \"Java (Headroom, CUDA expandable segments)\""
                : settings.conf().equals("max_split_size_mb:64")
                        ? "; kernel \"Java (Headroom, CUDA max_split_size_mb:64)\""
                        : "";
        return "PYTORCH_CUDA_ALLOC_CONF=" + settings.conf() + " before the kernel starts" + cap(settings) + profile;
    }

    private String cap(AllocatorSettings settings) {
        if (settings.memoryFraction() == 1) {
            return "";
        }
        String allowed = Bytes.format((long) (settings.memoryFraction() * capacity.total()));
        return " (libtorch 2.10 or newer; replayed as a cap of " + allowed
                + (totalKnown
                        ? ")"
                        : ": where PyTorch has a part of the card only, write that part's share of the card)");
    }

    private Footprint replay(Trace run, AllocatorSettings settings) {
        return CachingAllocator.replay(run, settings, capacity);
    }
}
