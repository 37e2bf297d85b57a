package io.headroom.trace;

import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * A PyTorch CUDA memory snapshot: the segments at its end, the events before, the settings in force.
 *
 * <p>Reads what {@code torch.cuda.memory._snapshot()} gives, pickled with protocol 2 to 5, by PyTorch 1.13 to 2.11 (older
 * files are a bare list of segments). Nothing in the file is executed: a pickle that asks for any object but plain values
 * is refused. The file is read as a stream.
 *
 * <pre>{@code
 * Snapshot snapshot = Snapshot.read(Path.of("snapshot.pickle"));
 * snapshot.devices();                  // [0]
 * snapshot.reserved(0);                // bytes of all segments
 * Trace run = snapshot.trace(0);       // allocations and frees, ready to replay under other settings
 * }</pre>
 *
 * <p>Immutable and safe for any number of threads. Source: {@code torch/csrc/cuda/memory_snapshot.cpp}.
 */
public final class Snapshot {
    /** The phase, in {@link #trace}, of what was live before the first recorded event. */
    public static final String BEFORE = "before the recording";

    /** The phase, in {@link #trace}, of the recorded events. */
    public static final String RECORDED = "recorded";

    /** The mark, in {@link #trace}, before a request that failed in the recorded run. */
    public static final String OUT_OF_MEMORY = "out of memory";

    /**
     * A segment as recorded.
     *
     * @param stream the handle of its stream
     * @param large whether it is of the large pool
     * @param privatePool whether it belongs to a CUDA graph's or user's own pool
     */
    public record Segment(
            int device,
            long address,
            long totalSize,
            long allocatedSize,
            long activeSize,
            long stream,
            boolean large,
            boolean privatePool,
            boolean expandable,
            List<Block> blocks) {}

    /** A block as recorded; {@code requested} is 0 where it is free or the file does not say. */
    public record Block(long address, long size, long requested, State state, int frames) {}

    /**
     * A request that failed in the recorded run.
     *
     * @param event its number among the recorded events
     * @param reserved bytes PyTorch held then, {@code mostReserved} the most until then
     * @param free bytes the driver said were free on the device
     * @param size bytes asked for, rounded to a block
     */
    public record Failure(int event, long reserved, long mostReserved, long free, long size) {}

    /** In use, freed but awaited by another stream, or free. */
    public enum State {
        ACTIVE_ALLOCATED,
        ACTIVE_PENDING_FREE,
        INACTIVE
    }

    /** One line of a Python or C++ stack. */
    public record Frame(String name, String file, int line) {
        /** "forward (model.py:17)". */
        @Override
        public String toString() {
            int slash = Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\'));
            return name + " (" + file.substring(slash + 1) + ":" + line + ")";
        }
    }

    private final List<Segment> segments;
    private final List<Recording> recordings;
    private final Map<String, Object> settings;
    private final FrameTable frames;

    Snapshot(List<Segment> segments, List<Recording> recordings, Map<String, Object> settings, FrameTable frames) {
        this.segments = List.copyOf(segments);
        this.recordings = List.copyOf(recordings);
        this.settings = settings;
        this.frames = frames;
    }

    /**
     * Reads a snapshot file.
     *
     * @throws SnapshotFormatException if it is none, is cut off or asks for foreign objects; the message says where
     * @throws IOException if it cannot be read
     */
    public static Snapshot read(Path file) throws IOException {
        return SnapshotReader.read(file, stage -> {});
    }

    /** The same, with a word to {@code progress} every few megabytes. */
    public static Snapshot read(Path file, Consumer<String> progress) throws IOException {
        return SnapshotReader.read(file, progress);
    }

    /** Reads a snapshot from a stream, which stays open. */
    public static Snapshot read(InputStream in) throws IOException {
        return SnapshotReader.read(in);
    }

    /** Devices with segments or events, ascending. */
    public List<Integer> devices() {
        return java.util.stream.IntStream.concat(
                        segments.stream().mapToInt(Segment::device),
                        java.util.stream.IntStream.range(0, recordings.size())
                                .filter(device -> recordings.get(device).events() > 0))
                .distinct()
                .sorted()
                .boxed()
                .toList();
    }

    /** The segments at the moment of the snapshot, all devices. */
    public List<Segment> segments() {
        return segments;
    }

    /** The segments of one device. */
    public List<Segment> segments(int device) {
        return segments.stream().filter(segment -> segment.device() == device).toList();
    }

    /** The events of one device; none if it recorded none. */
    public Recording recording(int device) {
        return device >= 0 && device < recordings.size() ? recordings.get(device) : new Recording();
    }

    /** Bytes reserved at the moment of the snapshot. */
    public long reserved(int device) {
        return segments(device).stream().mapToLong(Segment::totalSize).sum();
    }

    /** Bytes allocated at the moment of the snapshot. */
    public long allocated(int device) {
        return segments(device).stream().mapToLong(Segment::allocatedSize).sum();
    }

    /** Bytes PyTorch could have on a device: reserved plus free at its first out-of-memory event; empty if none failed. */
    public OptionalLong limit(int device) {
        return failure(device).stream()
                .mapToLong(failure -> failure.reserved() + failure.free())
                .filter(bytes -> bytes > 0)
                .findFirst();
    }

    /** The first out-of-memory event of a device that tells what was free; empty if none failed. */
    public Optional<Failure> failure(int device) {
        return SnapshotTrace.failure(this, device);
    }

    /** The text of {@code PYTORCH_CUDA_ALLOC_CONF} in force (2.3 on); empty if the file does not say. */
    public Optional<String> conf() {
        return Optional.ofNullable(settings.get("PYTORCH_CUDA_ALLOC_CONF"))
                .filter(String.class::isInstance)
                .map(String.class::cast);
    }

    /** {@code allocator_settings} as recorded (2.3 on): text, numbers, flags, maps. */
    public Map<String, Object> settings() {
        return settings;
    }

    /** The stack behind a number that an event or a block carries, innermost first; empty if none was recorded. */
    public List<Frame> frames(int number) {
        return frames.stack(number);
    }

    /** The innermost frame of a stack that is the user's own, not Python's or PyTorch's; empty if there is none. */
    public String site(int number) {
        return frames.site(number);
    }

    /**
     * The run as a trace: what was live before the recording began, then every allocation and free.
     *
     * <p>A request that failed is there too, allocated and freed at once behind a mark. Whether segments went back
     * because the program emptied the cache or because the device was full is not recorded; it is taken as the program's
     * doing where the device was not full.
     *
     * @throws IllegalArgumentException if the snapshot has nothing of this device
     */
    public Trace trace(int device) {
        return SnapshotTrace.of(this, device);
    }

    /** "2 devices, 14 segments, 1.20 GiB reserved, 120000 events". */
    @Override
    public String toString() {
        return devices().size() + (devices().size() == 1 ? " device, " : " devices, ") + segments.size() + " segments, "
                + Bytes.format(segments.stream().mapToLong(Segment::totalSize).sum()) + " reserved, "
                + recordings.stream().mapToLong(Recording::events).sum() + " events";
    }
}
