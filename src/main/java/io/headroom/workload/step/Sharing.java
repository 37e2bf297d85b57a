package io.headroom.workload.step;

import io.headroom.workload.Option;
import io.headroom.workload.Sharding;
import io.headroom.workload.Workload;

/** What one of several devices holds of a shared model. */
final class Sharing {
    private final Sharding kind;
    private final long devices;

    Sharing(Workload work) {
        kind = (Sharding) work.get(Option.SHARDING);
        devices = work.number(Option.DEVICES);
    }

    /** One device's part of the batch. */
    static Workload share(Workload work) {
        Sharing sharing = new Sharing(work);
        if (sharing.kind == Sharding.NONE || sharing.devices == 1) {
            return work;
        }
        if (sharing.kind != Sharding.DDP && sharing.kind != Sharding.ZERO1) {
            throw new UnsupportedOperationException(
                    "sharding = " + sharing.kind.name().toLowerCase(java.util.Locale.ROOT)
                            + ": only none, ddp and zero1 are estimated.");
        }
        return work.batch((work.batch() - 1) / sharing.devices + 1)
                .accumulation(Math.min(work.accumulation(), (work.batch() - 1) / sharing.devices + 1));
    }

    /** Optimizer state of one device. */
    long state(long bytes) {
        return kind == Sharding.NONE || kind == Sharding.DDP ? bytes : (bytes + devices - 1) / devices;
    }

    /** The flat buffers in which gradients are averaged: as large as the gradients. */
    long buckets(long gradientBytes) {
        return kind == Sharding.NONE || devices == 1 ? 0 : gradientBytes;
    }
}
