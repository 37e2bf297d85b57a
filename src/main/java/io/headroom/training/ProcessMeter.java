package io.headroom.training;

import io.headroom.memory.Watch;

/** The resident set of this process. */
final class ProcessMeter implements StepMeter {
    private final Watch watch = Watch.start("step");

    ProcessMeter() {
        if (watch.before().rss().isEmpty()) {
            watch.close();
            throw new IllegalStateException(
                    "this system does not tell how much memory the process holds, so a step cannot be measured here.");
        }
    }

    @Override
    public long idleBytes() {
        return watch.before().rss().orElseThrow();
    }

    @Override
    public long roseBytes() {
        return watch.stop().rose().orElseThrow();
    }

    @Override
    public boolean exact() {
        return watch.stop().exact();
    }

    @Override
    public void close() {
        watch.close();
    }
}
