package io.headroom.budget;

import io.headroom.trace.Trace;
import io.headroom.workload.step.Kind;
import io.headroom.workload.step.Phase;
import io.headroom.workload.step.StepListener;
import java.util.HashMap;
import java.util.Map;

/** Writes a step down as a trace. */
final class TraceListener implements StepListener {
    private final Trace.Builder builder = Trace.builder();
    private final Map<Long, Integer> ids = new HashMap<>();
    private Phase phase;

    @Override
    public void allocated(long id, long bytes, Kind kind, Phase at, String operator) {
        if (bytes == 0) {
            return;
        }
        if (at != phase) {
            phase = at;
            builder.phase(at.title());
        }
        ids.put(id, builder.alloc(bytes, operator));
    }

    @Override
    public void freed(long id, long bytes, Kind kind, Phase at, String operator) {
        Integer traced = ids.remove(id);
        if (traced != null) {
            builder.free(traced);
        }
    }

    Trace trace() {
        return builder.build();
    }
}
