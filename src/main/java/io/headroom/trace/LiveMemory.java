package io.headroom.trace;

import io.headroom.trace.Trace.Peak;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** What of a trace is alive when: an allocation lives from its event to its free, or to the moment that was requested. */
final class LiveMemory {
    private LiveMemory() {}

    static Peak peak(Trace trace) {
        long live = 0;
        long most = 0;
        int at = -1;
        for (int event = 0; event < trace.events(); event++) {
            switch (trace.kind(event)) {
                case ALLOC -> {
                    live += trace.bytes(trace.allocation(event));
                    if (live > most) {
                        most = live;
                        at = event;
                    }
                }
                case FREE, FREE_REQUESTED -> live -= trace.bytes(trace.allocation(event));
                default -> {}
            }
        }
        int id = at < 0 ? -1 : trace.allocation(at);
        return new Peak(most, at, id < 0 ? "" : trace.phase(id), id < 0 ? "" : trace.operator(id));
    }

    /** Live bytes after each event. */
    static long[] bytes(Trace trace) {
        long[] live = new long[trace.events()];
        long now = 0;
        for (int event = 0; event < live.length; event++) {
            switch (trace.kind(event)) {
                case ALLOC -> now += trace.bytes(trace.allocation(event));
                case FREE, FREE_REQUESTED -> now -= trace.bytes(trace.allocation(event));
                default -> {}
            }
            live[event] = now;
        }
        return live;
    }

    static int[] at(Trace trace, int event) {
        boolean[] alive = new boolean[trace.allocations()];
        int count = 0;
        for (int i = 0; i <= Math.min(event, trace.events() - 1); i++) {
            switch (trace.kind(i)) {
                case ALLOC -> {
                    alive[trace.allocation(i)] = true;
                    count++;
                }
                case FREE, FREE_REQUESTED -> {
                    alive[trace.allocation(i)] = false;
                    count--;
                }
                default -> {}
            }
        }
        int[] ids = new int[count];
        for (int id = 0, next = 0; id < alive.length; id++) {
            if (alive[id]) {
                ids[next++] = id;
            }
        }
        return ids;
    }

    static Map<String, Long> byOperator(Trace trace, int event) {
        Map<String, Long> sums = new HashMap<>();
        for (int id : at(trace, event)) {
            sums.merge(trace.operator(id), trace.bytes(id), Long::sum);
        }
        Map<String, Long> sorted = new LinkedHashMap<>();
        sums.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey()))
                .forEach(entry -> sorted.put(entry.getKey(), entry.getValue()));
        return Collections.unmodifiableMap(sorted);
    }
}
