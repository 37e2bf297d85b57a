package io.headroom.training;

import io.headroom.memory.Watch;

/** This process's peak over a stretch, above where it began; stretches around it keep theirs. */
final class Peak {
    private final Watch watch;

    private Peak(Watch watch) {
        this.watch = watch;
    }

    static Peak start() {
        return new Peak(Watch.start("step"));
    }

    long idle() {
        return watch.before().rss().orElse(0);
    }

    boolean isExact() {
        return watch.stop().exact();
    }

    long stop() {
        return watch.stop().rose().orElse(0);
    }
}
