package io.headroom.allocator;

import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.trace.Trace.Kind;
import io.headroom.trace.TraceEdits;
import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A recorded run replayed under other allocator settings: which would have survived, and with how much memory.
 *
 * <p>Every row replays the same allocations and frees from an empty device. What PyTorch could have is taken from the
 * run's own out-of-memory event (reserved plus free at that moment) unless a limit is given; a run that did not fail has
 * none. A request that failed must fit for a moment; what the program would have done after it nobody knows.
 *
 * <pre>{@code
 * WhatIf whatIf = WhatIf.of(Snapshot.read(Path.of("snapshot.pickle")));
 * whatIf.rows().get(0);        // the best: "expandable_segments:True", survives, peak reserved …
 * whatIf.hole();               // why it died: the largest hole, and who holds its neighbours
 * whatIf.smallestLimit();      // bytes on which the best row still survives
 * }</pre>
 *
 * <p>Immutable and safe for any number of threads.
 */
public final class WhatIf {
    /** What is tried where nothing is asked for. */
    public static final List<String> CANDIDATES = List.of(
            "",
            "expandable_segments:True",
            "max_split_size_mb:64",
            "max_split_size_mb:128",
            "max_split_size_mb:256",
            "max_split_size_mb:512",
            "roundup_power2_divisions:8",
            "garbage_collection_threshold:0.8,per_process_memory_fraction:0.95");

    /**
     * One change and what comes of it.
     *
     * @param change what is different from the recorded run
     * @param how what to set or to write, empty for the run as it was
     * @param approximate whether the change is a model of the program, not only of its allocator
     */
    public record Row(String change, String how, boolean approximate, boolean recorded, Footprint footprint) {
        /** Whether the run comes to its end. */
        public boolean survives() {
            return footprint.survives();
        }
    }

    private static final int MOST_STEPS = 12;

    private final Trace trace;
    private final AllocatorSettings recorded;
    private final OptionalLong limit;
    private final boolean recording;
    private final boolean died;
    private final List<Row> rows;

    private WhatIf(Trace trace, AllocatorSettings recorded, OptionalLong limit, List<String> confs, boolean recording) {
        this.recording = recording;
        this.trace = trace;
        this.recorded = recorded;
        this.limit = limit;
        died = failed(trace);
        List<Row> all = new ArrayList<>();
        all.add(new Row(
                recorded.isDefault() ? "as it was (default settings)" : "as it was (" + recorded + ")",
                "",
                false,
                true,
                replay(trace, recorded)));
        Set<AllocatorSettings> tried = new LinkedHashSet<>(List.of(recorded.named("")));
        for (String conf : confs) {
            AllocatorSettings settings = AllocatorSettings.parse(conf);
            boolean needsLimit = settings.memoryFraction() < 1;
            if (tried.add(settings.named("")) && (limit.isPresent() || !needsLimit)) {
                all.add(new Row(settings.toString(), how(settings), false, false, replay(trace, settings)));
            }
        }
        addProgramChanges(all);
        all.sort(Comparator.comparing((Row row) -> !row.survives())
                .thenComparingLong(row -> row.survives()
                        ? row.footprint().peakReserved().bytes()
                        : -row.footprint().events())
                .thenComparing(row -> !row.recorded())
                .thenComparingLong(row -> row.footprint().statistics().numAllocRetries()));
        rows = List.copyOf(all);
    }

    /** The device with most events of a snapshot, under its own limit and settings, against {@link #CANDIDATES}. */
    public static WhatIf of(Snapshot snapshot) {
        return of(snapshot, busiest(snapshot), OptionalLong.empty(), CANDIDATES);
    }

    /**
     * One device of a snapshot under a limit of your own and against settings of your own.
     *
     * @param limit bytes PyTorch can have; empty for what the recording tells
     * @param confs texts for {@code PYTORCH_CUDA_ALLOC_CONF}
     * @throws IllegalArgumentException for an unknown device, a limit that is not positive, or a malformed setting (in
     *     PyTorch's words, before anything is replayed)
     */
    public static WhatIf of(Snapshot snapshot, int device, OptionalLong limit, List<String> confs) {
        confs.forEach(AllocatorSettings::parse);
        Trace trace = snapshot.trace(device);
        return new WhatIf(
                trace,
                recordedSettings(snapshot),
                limit.isPresent() ? checked(limit) : snapshot.limit(device),
                confs,
                true);
    }

    /** A trace from anywhere: an estimate's step, a teaching text. */
    public static WhatIf of(Trace trace, AllocatorSettings settings, OptionalLong limit, List<String> confs) {
        return new WhatIf(trace, settings, checked(limit), confs, false);
    }

    /** The device of a snapshot that has most events, else most bytes. */
    public static int busiest(Snapshot snapshot) {
        return snapshot.devices().stream()
                .max(Comparator.comparingInt(
                                (Integer device) -> snapshot.recording(device).events())
                        .thenComparingLong(snapshot::reserved))
                .orElseThrow(() -> new IllegalArgumentException("the snapshot is empty: no segments and no events"));
    }

    /** The settings a snapshot was recorded under; default where it does not say (before 2.3). */
    public static AllocatorSettings recordedSettings(Snapshot snapshot) {
        return AllocatorSettings.parse(snapshot.conf().orElse(""));
    }

    private static OptionalLong checked(OptionalLong limit) {
        if (limit.isPresent() && limit.getAsLong() <= 0) {
            throw new IllegalArgumentException("limit " + limit.getAsLong() + " must be above 0 bytes");
        }
        return limit;
    }

    private static boolean failed(Trace trace) {
        for (int event = 0; event < trace.events(); event++) {
            if (trace.kind(event) == Kind.MARK && trace.label(event).equals(Snapshot.OUT_OF_MEMORY)) {
                return true;
            }
        }
        return false;
    }

    private Footprint replay(Trace run, AllocatorSettings settings) {
        return CachingAllocator.replay(run, settings, limit.orElse(CachingAllocator.UNLIMITED));
    }

    private void addProgramChanges(List<Row> all) {
        int[] valleys = TraceEdits.valleys(trace);
        if (valleys.length == 0) {
            return;
        }
        all.add(new Row(
                valleys.length == 1
                        ? "empty cache after the step"
                        : "empty cache after each of " + valleys.length + " steps",
                "torch.cuda.empty_cache() where a step ends; in DJL JniUtils.emptyCudaCache(). Costs time on every step.",
                false,
                false,
                replay(TraceEdits.emptyingCache(trace, valleys), recorded)));
        all.add(new Row(
                "half the batch (approximate)",
                "halve the batch, or accumulate gradients over two halves",
                true,
                false,
                replay(TraceEdits.halfBatch(trace), recorded)));
    }

    private static String how(AllocatorSettings settings) {
        if (settings.isDefault()) {
            return "unset PYTORCH_CUDA_ALLOC_CONF";
        }
        String profile = settings.conf().equals("expandable_segments:True")
                ? "; kernel \"Java (Headroom, CUDA expandable segments)\""
                : settings.conf().equals("max_split_size_mb:64")
                        ? "; kernel \"Java (Headroom, CUDA max_split_size_mb:64)\""
                        : "";
        String version = settings.memoryFraction() < 1 ? " (libtorch 2.10 or newer)" : "";
        return "PYTORCH_CUDA_ALLOC_CONF=" + settings.conf() + " before the kernel starts" + version + profile;
    }

    /** What was replayed. */
    public Trace trace() {
        return trace;
    }

    /** Settings the run had. */
    public AllocatorSettings recorded() {
        return recorded;
    }

    /** Bytes PyTorch could have; empty if neither given nor told by a failure. */
    public OptionalLong limit() {
        return limit;
    }

    /** Whether the recorded run was out of memory at some point. */
    public boolean died() {
        return died;
    }

    /** All rows, the best first: survivors by peak reserved, then the others by how far they came. */
    public List<Row> rows() {
        return rows;
    }

    /** The run as it was. */
    public Row asItWas() {
        return rows.stream().filter(Row::recorded).findFirst().orElseThrow();
    }

    /** Whether the replay of the run as it was ends as the recording did; true of a trace that nobody recorded. */
    public boolean reproduces() {
        return !recording || asItWas().survives() != died || limit.isEmpty();
    }

    /** The largest hole when the run as it was died, and who holds its neighbours; empty if it survives. */
    public Optional<Hole> hole() {
        return asItWas().footprint().oom().map(point -> {
            CachingAllocator device =
                    Replay.at(trace, recorded, limit.orElse(CachingAllocator.UNLIMITED), point.event());
            int id = trace.allocation(point.event());
            boolean large = device.roundedSize(point.requested()) > Rounding.SMALL_SIZE;
            return Hole.of(device.segments(), trace, point.requested(), trace.stream(id), large);
        });
    }

    /** The segments after event {@code event} under some settings; where that run died before, as it died. */
    public List<Segment> segmentsAt(AllocatorSettings settings, int event) {
        return Replay.at(trace, settings, limit.orElse(CachingAllocator.UNLIMITED), event)
                .segments();
    }

    /**
     * The smallest limit in bytes on which the run as recorded, but under {@code settings}, comes to its end.
     *
     * <p>Found by replays between the peak allocated and the peak reserved, to 2 MiB or a thousandth. Add the CUDA
     * context (0.3 to 1 GiB) and other processes for the size of a card.
     */
    public long smallestLimit(AllocatorSettings settings) {
        Footprint free = CachingAllocator.replay(trace, settings, CachingAllocator.UNLIMITED);
        long high = Math.max(free.peakReserved().bytes(), Rounding.ROUND_LARGE);
        long low = Math.min(free.peakAllocated().bytes(), high) - 1;
        long close = Math.max(Rounding.ROUND_LARGE, high / 1000);
        for (int step = 0; step < MOST_STEPS && high - low > close; step++) {
            long middle = low + (high - low) / 2;
            if (CachingAllocator.replay(trace, settings, middle).survives()) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }

    /** The smallest limit under the best settings of the table that leave the program as it is. */
    public long smallestLimit() {
        return smallestLimit(rows.stream()
                .filter(row -> !row.approximate() && !row.change().startsWith("empty cache"))
                .findFirst()
                .orElseThrow()
                .footprint()
                .settings());
    }

    /** The table as text. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Row row : rows) {
            text.append(text.length() == 0 ? "" : "\n")
                    .append(row.survives() ? "survives  " : "dies      ")
                    .append(Bytes.format(row.footprint().peakReserved().bytes()))
                    .append("  ")
                    .append(row.change());
        }
        return text.toString();
    }
}
