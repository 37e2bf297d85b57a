package io.headroom;

import io.headroom.budget.Estimate;
import io.headroom.memory.Reading;
import io.headroom.model.LoadedModel;
import io.headroom.workload.Workload;
import java.util.Optional;

/** What one notebook remembers between its cells: the readings, the last workload, the last failure. */
final class Session {
    private static final Session CURRENT = new Session();

    private Workload workload;
    private Explanation failure;

    static Session current() {
        return CURRENT;
    }

    /** Bytes that may still be taken: what estimates are held against. */
    static long headroom() {
        return Reading.now().headroom().orElse(Long.MAX_VALUE);
    }

    synchronized Reading read(String stage) {
        return Reading.now(stage);
    }

    synchronized <T> T noted(String stage, T value) {
        read(stage);
        return value;
    }

    /** Prints what was loaded: {@code var age = load(…)} is a declaration, which a notebook shows nothing of. */
    synchronized LoadedModel loaded(LoadedModel model) {
        System.out.println(model);
        return noted(model.name() + " loaded", model);
    }

    synchronized Estimate estimated(Estimate estimate) {
        workload = estimate.workload();
        return estimate;
    }

    synchronized void running(Workload next) {
        workload = next;
    }

    synchronized void failed(Explanation explanation) {
        failure = explanation;
    }

    synchronized Optional<Explanation> failure() {
        return Optional.ofNullable(failure);
    }

    synchronized Optional<Workload> workload() {
        return Optional.ofNullable(workload);
    }
}
