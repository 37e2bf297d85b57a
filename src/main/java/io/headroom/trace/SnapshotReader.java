package io.headroom.trace;

import io.headroom.trace.DictTable.Shape;
import io.headroom.trace.Recording.Action;
import io.headroom.trace.Snapshot.Block;
import io.headroom.trace.Snapshot.Segment;
import io.headroom.trace.Snapshot.State;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Makes a snapshot of the values in a pickle, whichever version of PyTorch wrote them. */
final class SnapshotReader {
    private static final int MOST_DEVICES = 128;
    private static final int MOST_SETTINGS = 64;

    private final PickleReader pickle;
    private final PickleStore store;
    private final Map<Integer, Recording> byList = new HashMap<>();
    private final BitSet seen = new BitSet();
    private final Map<String, Long> keys = new HashMap<>();
    private final long[] eventKeys;
    private Action[] actions = new Action[256];

    private SnapshotReader(InputStream in) throws SnapshotFormatException {
        pickle = new PickleReader(in, this::events);
        store = pickle.store;
        eventKeys = new long[] {
            key("action"), key("addr"), key("size"), key("stream"), key("frames"), key("time_us"), key("device_free")
        };
    }

    static Snapshot read(Path file, Consumer<String> progress) throws IOException {
        if (Files.notExists(file)) {
            throw new NoSuchFileException(file.toString(), null, "there is no such file");
        }
        if (Files.isDirectory(file)) {
            throw new SnapshotFormatException(file + " is a directory");
        }
        try (InputStream in = new WatchedStream(Files.newInputStream(file), Files.size(file), progress)) {
            return read(in);
        } catch (SnapshotFormatException e) {
            throw new SnapshotFormatException(file.getFileName() + " is no memory snapshot: " + e.getMessage());
        }
    }

    static Snapshot read(InputStream in) throws IOException {
        try {
            return new SnapshotReader(in).snapshot();
        } catch (OutOfMemoryError e) {
            throw new IOException("the snapshot does not fit this JVM's heap of "
                    + Bytes.format(Runtime.getRuntime().maxMemory())
                    + ": start Java with a larger -Xmx");
        }
    }

    private long key(String text) throws SnapshotFormatException {
        Long known = keys.get(text);
        if (known == null) {
            known = (long) store.strings.intern(text) << 3 | PickleStore.STRING;
            keys.put(text, known);
        }
        return known;
    }

    private Snapshot snapshot() throws IOException {
        long root = pickle.read();
        if (PickleStore.tag(root) == PickleStore.LIST) {
            return new Snapshot(segments(root), List.of(), Map.of(), new FrameTable(store));
        }
        long segments = store.get(root, key("segments"));
        long traces = store.get(root, key("device_traces"));
        if (!store.isSequence(segments) && !store.isSequence(traces)) {
            throw new SnapshotFormatException("the pickle holds neither \"segments\" nor \"device_traces\"");
        }
        return new Snapshot(
                store.isSequence(segments) ? segments(segments) : List.of(),
                store.isSequence(traces) ? recordings(traces) : List.of(),
                settings(store.get(root, key("allocator_settings"))),
                new FrameTable(store));
    }

    // events

    private void events(long list, PickleStore values, long[] stack, int from, int to) throws SnapshotFormatException {
        Recording recording = byList.get(PickleStore.index(list));
        if (recording == null) {
            if (byList.size() == MOST_DEVICES) {
                throw new SnapshotFormatException("more than " + MOST_DEVICES + " devices");
            }
            recording = new Recording();
            byList.put(PickleStore.index(list), recording);
        }
        for (int i = from; i < to; i++) {
            event(recording, stack[i]);
        }
        for (int i = to - 1; i >= from; i--) {
            if (store.shapeOf(stack[i]) != null) {
                store.consume(stack[i]);
            }
        }
    }

    private void event(Recording recording, long dict) throws SnapshotFormatException {
        Shape shape = PickleStore.tag(dict) == PickleStore.DICT ? store.shapeOf(dict) : null;
        if (shape == null) {
            throw new SnapshotFormatException("event " + recording.events() + " of the trace is no dict of its own");
        }
        if (shape.fields == null) {
            shape.fields = new int[eventKeys.length];
            for (int i = 0; i < eventKeys.length; i++) {
                shape.fields[i] = shape.column(eventKeys[i]);
            }
        }
        int at = store.row(dict) * shape.keys.length;
        int[] fields = shape.fields;
        long action = fields[0] < 0 ? PickleStore.NONE : shape.data[at + fields[0]];
        if (PickleStore.tag(action) != PickleStore.STRING) {
            throw new SnapshotFormatException("event " + recording.events() + " of the trace has no action");
        }
        Action what = action(PickleStore.index(action));
        recording.add(
                what,
                what == Action.OOM ? number(shape, at, fields[6], -1) : number(shape, at, fields[1], 0),
                number(shape, at, fields[2], 0),
                number(shape, at, fields[3], 0),
                fields[4] < 0 ? 0 : store.contentOf(shape.data[at + fields[4]]),
                number(shape, at, fields[5], -1));
    }

    private long number(Shape shape, int at, int field, long missing) {
        if (field < 0) {
            return missing;
        }
        long value = shape.data[at + field];
        return PickleStore.tag(value) == PickleStore.INT ? value >> 3 : number(value, missing);
    }

    private long number(long value, long missing) {
        return store.isNumber(value) ? store.longValue(value) : missing;
    }

    private Action action(int string) {
        if (string >= actions.length) {
            actions = java.util.Arrays.copyOf(actions, Math.max(string + 1, actions.length * 2));
        }
        if (actions[string] == null) {
            actions[string] = Action.of(store.strings.get(string));
        }
        return actions[string];
    }

    private List<Recording> recordings(long traces) throws SnapshotFormatException {
        List<Recording> all = new ArrayList<>();
        for (int device = 0; device < store.length(traces); device++) {
            long list = store.item(traces, device);
            if (!store.isSequence(list)) {
                throw new SnapshotFormatException("the trace of device " + device + " is no list");
            }
            Recording streamed =
                    PickleStore.tag(list) == PickleStore.LIST ? byList.remove(PickleStore.index(list)) : null;
            Recording recording = streamed == null ? new Recording() : streamed;
            for (int i = 0; i < store.length(list); i++) {
                event(recording, claimed(store.item(list, i)));
            }
            all.add(recording);
            if (all.size() > MOST_DEVICES) {
                throw new SnapshotFormatException("more than " + MOST_DEVICES + " devices");
            }
        }
        return all;
    }

    // segments

    private List<Segment> segments(long list) throws SnapshotFormatException {
        List<Segment> all = new ArrayList<>();
        for (int i = 0; i < store.length(list); i++) {
            all.add(segment(claimed(store.item(list, i))));
        }
        return all;
    }

    /** Real snapshots hold each segment, block and event once; a file that repeats them would unfold without end. */
    private long claimed(long value) throws SnapshotFormatException {
        if (PickleStore.tag(value) != PickleStore.DICT) {
            throw new SnapshotFormatException("a segment, block or event is no dict");
        }
        if (seen.get(PickleStore.index(value))) {
            throw new SnapshotFormatException("the same segment, block or event appears twice");
        }
        seen.set(PickleStore.index(value));
        return value;
    }

    private Segment segment(long dict) throws SnapshotFormatException {
        long address = field(dict, "address");
        long total = field(dict, "total_size");
        long list = store.get(dict, key("blocks"));
        if (total < 0 || !store.isSequence(list)) {
            throw new SnapshotFormatException("a segment without total_size or blocks");
        }
        List<Block> blocks = new ArrayList<>();
        long next = address;
        long allocated = 0;
        long active = 0;
        for (int i = 0; i < store.length(list); i++) {
            Block block = block(claimed(store.item(list, i)), next);
            blocks.add(block);
            next += block.size();
            allocated += block.state() == State.ACTIVE_ALLOCATED ? block.size() : 0;
            active += block.state() != State.INACTIVE ? block.size() : 0;
        }
        long pool = store.get(dict, key("segment_pool_id"));
        boolean own = store.isSequence(pool)
                && store.length(pool) == 2
                && (number(store.item(pool, 0), 0) != 0 || number(store.item(pool, 1), 0) != 0);
        return new Segment(
                (int) Math.max(0, Math.min(field(dict, "device", 0), MOST_DEVICES)),
                address,
                total,
                field(dict, "allocated_size", allocated),
                field(dict, "active_size", active),
                field(dict, "stream", 0),
                !"small".equals(text(store.get(dict, key("segment_type")))),
                own,
                store.get(dict, key("is_expandable")) == PickleStore.TRUE,
                Collections.unmodifiableList(blocks));
    }

    private Block block(long dict, long expected) throws SnapshotFormatException {
        long size = field(dict, "size");
        if (size < 0) {
            throw new SnapshotFormatException("a block of " + size + " bytes");
        }
        String name = text(store.get(dict, key("state")));
        State state =
                switch (name) {
                    case "active_allocated" -> State.ACTIVE_ALLOCATED;
                    case "active_pending_free", "active_awaiting_free" -> State.ACTIVE_PENDING_FREE;
                    case "inactive" -> State.INACTIVE;
                    default -> throw new SnapshotFormatException("a block in state \"" + shortened(name) + "\"");
                };
        long requested = field(dict, "requested_size", 0);
        int frames = store.contentOf(store.get(dict, key("frames")));
        long history = store.get(dict, key("history"));
        if (store.isSequence(history) && store.length(history) > 0) {
            long newest = store.item(history, 0);
            requested = requested > 0 ? requested : field(newest, "real_size", 0);
            frames = frames > 0 ? frames : store.contentOf(store.get(newest, key("frames")));
        }
        return new Block(
                field(dict, "address", expected), size, state == State.INACTIVE ? 0 : requested, state, frames);
    }

    private long field(long dict, String name) throws SnapshotFormatException {
        long value = store.get(dict, key(name));
        if (!store.isNumber(value)) {
            throw new SnapshotFormatException("a segment or block has no number \"" + name + "\"");
        }
        return store.longValue(value);
    }

    private long field(long dict, String name, long missing) throws SnapshotFormatException {
        return number(store.get(dict, key(name)), missing);
    }

    private String text(long value) {
        return PickleStore.tag(value) == PickleStore.STRING ? store.strings.get(PickleStore.index(value)) : "";
    }

    private static String shortened(String text) {
        return text.length() <= 64 ? text : text.substring(0, 64) + "…";
    }

    // settings

    private Map<String, Object> settings(long dict) {
        Map<String, Object> map = new LinkedHashMap<>();
        Shape shape = PickleStore.tag(dict) == PickleStore.DICT ? store.shapeOf(dict) : null;
        if (shape == null) {
            return Map.of();
        }
        for (int i = 0; i < Math.min(shape.keys.length, MOST_SETTINGS); i++) {
            long value = shape.data[store.row(dict) * shape.keys.length + i];
            String key = shortened(text(shape.keys[i]));
            if (PickleStore.tag(value) == PickleStore.DICT && value != dict) {
                map.put(key, divisions(value));
            } else {
                map.put(key, plain(value));
            }
        }
        map.values().removeIf(java.util.Objects::isNull);
        return Collections.unmodifiableMap(map);
    }

    private Map<String, Long> divisions(long dict) {
        Map<String, Long> map = new LinkedHashMap<>();
        Shape shape = store.shapeOf(dict);
        for (int i = 0; shape != null && i < Math.min(shape.keys.length, MOST_SETTINGS); i++) {
            long value = shape.data[store.row(dict) * shape.keys.length + i];
            if (store.isNumber(value)) {
                map.put(shortened(text(shape.keys[i])), store.longValue(value));
            }
        }
        return Collections.unmodifiableMap(map);
    }

    private Object plain(long value) {
        return switch (PickleStore.tag(value)) {
            case PickleStore.STRING -> text(value);
            case PickleStore.FLOAT -> store.doubleValue(value);
            case PickleStore.INT, PickleStore.WIDE -> store.longValue(value);
            default -> value == PickleStore.TRUE ? Boolean.TRUE : value == PickleStore.FALSE ? Boolean.FALSE : null;
        };
    }
}
