package io.headroom.allocator;

import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.trace.TraceText;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.stream.LongStream;

/**
 * A recorded run replayed under other allocator settings: which would have survived, and with how much memory.
 *
 * <p>Every row replays the same allocations and frees from an empty device. What PyTorch could have is taken from the
 * run's own out-of-memory event (reserved plus free at that moment, or what a cap on the process allowed) unless a limit is
 * given; a run that did not fail has none. A request that failed must fit for a moment; what the program would have done after it nobody knows.
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
    private static final long SEGMENT = 2 * Bytes.MIB;

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
     * @param kind whether a setting changes, or the program
     */
    public record Row(String change, String how, Kind kind, Footprint footprint) {
        /** What a row changes; of an approximate one the replayed program is a model itself. */
        public enum Kind {
            RECORDED,
            SETTING,
            PROGRAM,
            APPROXIMATE
        }

        /** Whether it is the run as it was. */
        public boolean recorded() {
            return kind == Kind.RECORDED;
        }

        /** Whether the change is a model of the program, not only of its allocator. */
        public boolean approximate() {
            return kind == Kind.APPROXIMATE;
        }

        /** Whether the run comes to its end. */
        public boolean survives() {
            return footprint.survives();
        }
    }

    /**
     * What is known of a run besides its file; what is empty is taken from the snapshot.
     *
     * @param limit bytes PyTorch could have
     * @param total bytes of the card, of which a memory fraction is a share
     * @param device the device that is looked at; else one that ran out of memory, then the one with most events
     * @param recorded the settings the run had; a snapshot tells them since 2.3, a fraction set by the program never
     */
    public record Given(
            OptionalLong limit, OptionalLong total, Optional<AllocatorSettings> recorded, OptionalInt device) {
        public Given {
            positive("limit", limit);
            positive("total", total);
            if (total.isPresent() && total.getAsLong() < SEGMENT) {
                throw new IllegalArgumentException("total " + Bytes.format(total.getAsLong())
                        + " is less than the allocator's smallest segment (" + Bytes.format(SEGMENT)
                        + "): give the size of the card, such as \"24 GiB\".");
            }
        }

        /** Nothing but the file. */
        public static Given nothing() {
            return new Given(OptionalLong.empty(), OptionalLong.empty(), Optional.empty(), OptionalInt.empty());
        }

        public Given withLimit(OptionalLong bytes) {
            return new Given(bytes, total, recorded, device);
        }

        public Given withTotal(OptionalLong bytes) {
            return new Given(limit, bytes, recorded, device);
        }

        public Given withRecorded(AllocatorSettings settings) {
            return new Given(limit, total, Optional.of(settings), device);
        }

        /** A size such as "22 GiB". */
        public Given withLimit(String size) {
            return withLimit(OptionalLong.of(Bytes.parse(size)));
        }

        /** A size such as "80 GiB". */
        public Given withTotal(String size) {
            return withTotal(OptionalLong.of(Bytes.parse(size)));
        }

        /** A text as for {@code PYTORCH_CUDA_ALLOC_CONF}. */
        public Given withRecorded(String conf) {
            return withRecorded(AllocatorSettings.parse(conf));
        }

        public Given withDevice(int number) {
            return new Given(limit, total, recorded, OptionalInt.of(number));
        }

        private static void positive(String name, OptionalLong bytes) {
            if (bytes.isPresent() && bytes.getAsLong() <= 0) {
                throw new IllegalArgumentException(name + " " + bytes.getAsLong() + " must be above 0 bytes");
            }
        }
    }

    /** A peak lower by less than this share is no reason to change a setting. */
    private static final double WORTH = 0.01;

    private final Trace trace;
    private final AllocatorSettings recorded;
    private final OptionalLong limit;
    private final Capacity capacity;
    private final Optional<Source> source;
    private final boolean died;
    private final List<Row> rows;
    private final OptionalLong smallestAsItWas;
    private final OptionalLong smallestLimit;

    private WhatIf(
            Trace trace,
            AllocatorSettings recorded,
            Capacity capacity,
            boolean totalKnown,
            Optional<Source> source,
            List<String> confs,
            Consumer<String> progress) {
        this.source = source;
        this.trace = trace;
        this.recorded = recorded;
        this.capacity = capacity;
        limit = capacity.limit() == CachingAllocator.UNLIMITED
                ? OptionalLong.empty()
                : OptionalLong.of(capacity.limit());
        died = failed(trace);
        rows = new Alternatives(trace, recorded, capacity, totalKnown).rows(confs, progress);
        if (missesFailure()) {
            smallestAsItWas = OptionalLong.empty();
            smallestLimit = OptionalLong.empty();
            return;
        }
        progress.accept("the smallest limit as it was");
        smallestAsItWas = smallestLimit(recorded);
        AllocatorSettings best = bestSettings();
        progress.accept("the smallest limit under " + best);
        smallestLimit = best.equals(recorded) ? smallestAsItWas : lower(smallestAsItWas, smallestLimit(best));
    }

    private static OptionalLong lower(OptionalLong one, OptionalLong other) {
        return LongStream.concat(one.stream(), other.stream()).min();
    }

    /** The device that {@link #busiest} names, under its own limit and settings, against {@link #CANDIDATES}. */
    public static WhatIf of(Snapshot snapshot) {
        return of(snapshot, busiest(snapshot), Given.nothing(), CANDIDATES, stage -> {});
    }

    /** One device of a snapshot under a limit of your own (empty for what the recording tells) and other settings. */
    public static WhatIf of(Snapshot snapshot, int device, OptionalLong limit, List<String> confs) {
        return of(snapshot, device, Given.nothing().withLimit(limit), confs, stage -> {});
    }

    /**
     * One device of a snapshot against settings of your own, with what you know of the run besides.
     *
     * @param confs texts for {@code PYTORCH_CUDA_ALLOC_CONF}
     * @param progress gets a word before each replay
     * @throws IllegalArgumentException for an unknown device, a limit or total that is not positive, or a malformed
     *     setting (in PyTorch's words, before anything is replayed)
     */
    public static WhatIf of(Snapshot snapshot, int device, Given given, List<String> confs, Consumer<String> progress) {
        confs.forEach(AllocatorSettings::parse);
        AllocatorSettings recorded = given.recorded().orElseGet(() -> recordedSettings(snapshot));
        Source source = Source.of(snapshot, device, recorded);
        Capacity capacity = source.capacity(given, recorded);
        progress.accept("the recording itself");
        Trace trace = snapshot.trace(device);
        RecordedReplay replay = new RecordedReplay(snapshot, device, recorded, capacity.total());
        Fidelity fidelity = replay.compare();
        return new WhatIf(
                trace,
                recorded,
                capacity,
                given.total().isPresent(),
                Optional.of(source.with(fidelity, replay.refused())),
                confs,
                progress);
    }

    /** A trace from anywhere: an estimate's step, a teaching text. */
    public static WhatIf of(Trace trace, AllocatorSettings settings, OptionalLong limit, List<String> confs) {
        return of(trace, Given.nothing().withLimit(limit).withRecorded(settings), confs, stage -> {});
    }

    /** The same with all that may be given, and a word to {@code progress} before each replay. */
    public static WhatIf of(Trace trace, Given given, List<String> confs, Consumer<String> progress) {
        confs.forEach(AllocatorSettings::parse);
        long limit = given.limit().orElse(CachingAllocator.UNLIMITED);
        return new WhatIf(
                trace,
                given.recorded().orElseGet(AllocatorSettings::defaults),
                new Capacity(limit, given.total().orElse(limit)),
                given.total().isPresent(),
                Optional.empty(),
                confs,
                progress);
    }

    /**
     * A file: the given device of a snapshot (else the one {@link #busiest} names), or a trace a person wrote.
     *
     * @throws IOException if it cannot be read or is neither; the message says what it is
     */
    public static WhatIf of(Path file, Given given, List<String> confs, Consumer<String> progress) throws IOException {
        OptionalInt device = given.device();
        confs.forEach(AllocatorSettings::parse);
        if (TraceText.isTrace(file)) {
            if (device.isPresent()) {
                throw new IllegalArgumentException("device " + device.getAsInt() + ": " + file.getFileName()
                        + " is a trace as text, of one device");
            }
            return of(TraceText.read(file), given, confs, progress);
        }
        Snapshot snapshot = Snapshot.read(file, progress);
        return of(snapshot, device.orElseGet(() -> busiest(snapshot)), given, confs, progress);
    }

    /** The device of a snapshot that ran out of memory; of several or none the one with most events, else most bytes. */
    public static int busiest(Snapshot snapshot) {
        return snapshot.devices().stream()
                .max(Comparator.comparing((Integer device) -> Source.ranOut(snapshot.recording(device)))
                        .thenComparingInt(device -> snapshot.recording(device).events())
                        .thenComparingLong(snapshot::reserved))
                .orElseThrow(() -> new IllegalArgumentException("the snapshot is empty: no segments and no events"));
    }

    /**
     * The settings a snapshot was recorded under; default where it does not say (before 2.3).
     *
     * @throws IllegalArgumentException if they cannot be replayed: another backend, an option of a later version
     */
    public static AllocatorSettings recordedSettings(Snapshot snapshot) {
        try {
            return AllocatorSettings.parse(snapshot.conf().orElse(""));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "the snapshot was recorded under settings that cannot be replayed: " + e.getMessage()
                            + ". Say which come nearest: --recorded, in a notebook WhatIf.Given.nothing().withRecorded(\"\").",
                    e);
        }
    }

    private static boolean failed(Trace trace) {
        for (int event = 0; event < trace.events(); event++) {
            if (trace.kind(event) == Trace.Kind.MARK && trace.label(event).equals(Snapshot.OUT_OF_MEMORY)) {
                return true;
            }
        }
        return false;
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

    /** The snapshot behind it; empty of a trace that nobody recorded. */
    public Optional<Source> source() {
        return source;
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

    /**
     * What to do: the best setting that saves a run which died, or lowers the peak reserved of one that did not by a
     * hundredth; a change of the program only if no setting does and the run died. Empty if nothing is better.
     */
    public Optional<Row> recommended() {
        return missesFailure() ? Optional.empty() : best();
    }

    private Optional<Row> best() {
        return rows.stream()
                .filter(this::isWorth)
                .min(Comparator.comparing(Row::kind).thenComparingInt(rows::indexOf));
    }

    private boolean isWorth(Row row) {
        Row asItWas = asItWas();
        if (row.recorded() || !row.survives()) {
            return false;
        }
        return !asItWas.survives()
                || row.kind() == Row.Kind.SETTING
                        && row.footprint().peakReserved().bytes()
                                < (1 - WORTH)
                                        * asItWas.footprint().peakReserved().bytes();
    }

    /** Whether the replay of the run as it was ends as the recording did; true of a trace that nobody recorded. */
    public boolean reproduces() {
        return source.isEmpty() || asItWas().survives() != died || limit.isEmpty();
    }

    /**
     * Whether the recorded run died where its replay, with no more to have, does not: the recording lost its beginning, and
     * with it what was cached. No row then says what saves the run; {@link Source#refused} may say why it died.
     */
    public boolean missesFailure() {
        OptionalLong had = source.map(Source::most).orElse(OptionalLong.empty());
        return died
                && asItWas().survives()
                && had.isPresent()
                && limit.isPresent()
                && limit.getAsLong() <= had.getAsLong();
    }

    /** The largest hole when the run as it was died, and who holds its neighbours; empty if it survives. */
    public Optional<Hole> hole() {
        return asItWas().footprint().oom().map(point -> {
            CachingAllocator device = Replay.at(trace, recorded, capacity, point.event());
            int id = trace.allocation(point.event());
            boolean large = device.roundedSize(point.requested()) > Rounding.SMALL_SIZE;
            return Hole.of(device.segments(), trace, point.requested(), trace.stream(id), large);
        });
    }

    /** The segments after event {@code event} under some settings; where that run died before, as it died. */
    public List<Segment> segmentsAt(AllocatorSettings settings, int event) {
        return Replay.at(trace, settings, capacity, event).segments();
    }

    /**
     * The smallest limit in bytes on which the run as recorded, but under {@code settings}, comes to its end.
     *
     * <p>Found by replays between the peak allocated and the peak reserved, to 2 MiB or a thousandth, on a card that
     * PyTorch has for itself. Add the CUDA context (0.3 to 1 GiB) and other processes for the size of a card. Empty if it
     * survives on none that was tried.
     */
    public OptionalLong smallestLimit(AllocatorSettings settings) {
        return new SmallestLimit(trace, settings).search();
    }

    /** The smallest limit under the settings the run had; empty if there is none, or {@link #missesFailure}. */
    public OptionalLong smallestLimitAsItWas() {
        return smallestAsItWas;
    }

    /** The same under the best settings of the table that leave the program as it is, if that is less. */
    public OptionalLong smallestLimit() {
        return smallestLimit;
    }

    private AllocatorSettings bestSettings() {
        return rows.stream()
                .filter(row -> row.recorded() || row.kind() == Row.Kind.SETTING)
                .findFirst()
                .orElseThrow()
                .footprint()
                .settings();
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
