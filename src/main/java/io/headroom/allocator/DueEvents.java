package io.headroom.allocator;

import io.headroom.trace.LongIntMap;
import io.headroom.trace.Recording;
import io.headroom.trace.Recording.Action;
import java.util.Arrays;

/** Recorded segment events that a replay has yet to do: in order, but releases in a row in any order. */
final class DueEvents {
    private static final int TAKEN = -1;

    private final Recording recording;
    /** The place of the newest release with a key; those of the same key are chained. */
    private final LongIntMap releases = new LongIntMap();

    /** Of this run alone, so that no file can be made whose keys are all the same. */
    private final long odd = System.nanoTime() * 0x9E3779B97F4A7C15L | 1;

    private int[] events = new int[16];
    private int[] sameKey = new int[16];
    private int head;
    private int indexed;
    private int end;

    DueEvents(Recording recording) {
        this.recording = recording;
    }

    static boolean isRelease(Action action) {
        return action == Action.SEGMENT_FREE || action == Action.SEGMENT_UNMAP;
    }

    boolean isEmpty() {
        return head == end;
    }

    int first() {
        return events[head];
    }

    void add(int event) {
        if (end == events.length) {
            events = Arrays.copyOf(events, end * 2);
            sameKey = Arrays.copyOf(sameKey, end * 2);
        }
        events[end++] = event;
    }

    /** The first event that maps pages, −1 if there is none. */
    int firstMap() {
        for (int at = head; at < end; at++) {
            if (events[at] != TAKEN && recording.action(events[at]) == Action.SEGMENT_MAP) {
                return events[at];
            }
        }
        return -1;
    }

    /** Removes the first event, which is no release. */
    void removeFirst() {
        take(head);
    }

    /** Removes such a release from those that come first; whether there was one. */
    boolean removeRelease(Action action, long address, long bytes) {
        for (indexed = Math.max(indexed, head); indexed < end && isRelease(action(indexed)); indexed++) {
            long key = key(events[indexed]);
            sameKey[indexed] = releases.get(key);
            releases.put(key, indexed);
        }
        long key = key(action, address, bytes);
        int before = TAKEN;
        for (int at = releases.get(key); at >= 0; at = sameKey[at]) {
            int event = events[at];
            if (recording.action(event) == action
                    && recording.address(event) == address
                    && recording.size(event) == bytes) {
                unchain(key, before, at);
                take(at);
                return true;
            }
            before = at;
        }
        return false;
    }

    private void unchain(long key, int before, int at) {
        if (before >= 0) {
            sameKey[before] = sameKey[at];
        } else if (sameKey[at] >= 0) {
            releases.put(key, sameKey[at]);
        } else {
            releases.remove(key);
        }
    }

    private Action action(int at) {
        return recording.action(events[at]);
    }

    private void take(int at) {
        events[at] = TAKEN;
        while (head < end && events[head] == TAKEN) {
            head++;
        }
        if (head == end) {
            clear();
        }
    }

    /** Forgets all; nothing may be asked for after it but what was added since. */
    void clear() {
        for (int at = head; at < indexed; at++) {
            if (events[at] != TAKEN) {
                releases.remove(key(events[at]));
            }
        }
        head = 0;
        indexed = 0;
        end = 0;
    }

    private long key(int event) {
        return key(recording.action(event), recording.address(event), recording.size(event));
    }

    private long key(Action action, long address, long bytes) {
        return address * odd + bytes * (odd * odd ^ 0x9E3779B97F4A7C14L) + action.ordinal();
    }
}
