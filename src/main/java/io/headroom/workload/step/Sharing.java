package io.headroom.workload.step;

import io.headroom.workload.Option;
import io.headroom.workload.Sharding;
import io.headroom.workload.Workload;

/**
 * What one of several devices holds of a shared model.
 *
 * <p>ZeRO divides optimizer state (1), gradients too (2), weights too (3, as FSDP does): Rajbhandari et al. 2020, arXiv
 * 1910.02054, figure 1. Stage 2 reduces gradients in buckets of 5 · 10⁸ values, DeepSpeed's default; stage 3 holds weights and
 * gradients of the largest layer whole while it runs, DeepSpeed's {@code 4 · largest_layer} in half precision
 * ({@code estimate_zero3_model_states_mem_needs}). Tensor parallelism divides attention heads, feed-forward and vocabulary,
 * while norms, residuals and their dropout are whole on every device: Korthikanti et al. 2022, arXiv 2205.05198, table 2.
 */
final class Sharing {
    private static final long BUCKET_VALUES = 500_000_000;

    private final Sharding kind;
    private final long devices;

    Sharing(Workload work) {
        devices = work.number(Option.DEVICES);
        kind = devices == 1 ? Sharding.NONE : (Sharding) work.get(Option.SHARDING);
    }

    /** One device's part of the batch; all of it where devices share the work on each sample. */
    static Workload share(Workload work) {
        Sharing sharing = new Sharing(work);
        if (sharing.kind == Sharding.NONE || sharing.kind == Sharding.TENSOR) {
            return work;
        }
        return work.batch((work.batch() - 1) / sharing.devices + 1)
                .accumulation(Math.min(work.accumulation(), (work.batch() - 1) / sharing.devices + 1));
    }

    /** Among how many devices heads, feed-forward and vocabulary are divided. */
    static long parts(Workload work) {
        Sharing sharing = new Sharing(work);
        return sharing.kind == Sharding.TENSOR ? sharing.devices : 1;
    }

    /** Optimizer state of one device. */
    long state(long bytes) {
        return dividesState() ? part(bytes) : bytes;
    }

    /** The flat buffers through which gradients go between devices. */
    long buckets(long gradientBytes, int valueBytes) {
        return switch (kind) {
            case DDP, ZERO1 -> gradientBytes;
            case ZERO2 -> Math.min(gradientBytes, BUCKET_VALUES * valueBytes);
            default -> 0;
        };
    }

    /** What is whole of a divided model while its largest layer runs: the layer's weights, in training its gradients too. */
    long gathered(long largestLayerBytes, boolean training) {
        return kind == Sharding.ZERO3 ? Math.multiplyExact(largestLayerBytes, training ? 2L : 1L) : 0;
    }

    /** Tells a listener what one device allocates. */
    StepListener perDevice(StepListener listener) {
        if (kind != Sharding.ZERO2 && kind != Sharding.ZERO3) {
            return listener;
        }
        return new StepListener() {
            @Override
            public void allocated(long id, long bytes, Kind of, Phase phase, String operator) {
                listener.allocated(id, divides(of) ? part(bytes) : bytes, of, phase, operator);
            }

            @Override
            public void freed(long id, long bytes, Kind of, Phase phase, String operator) {
                listener.freed(id, divides(of) ? part(bytes) : bytes, of, phase, operator);
            }

            @Override
            public void entered(String layer) {
                listener.entered(layer);
            }
        };
    }

    private boolean divides(Kind of) {
        return of == Kind.GRADIENTS || of == Kind.WEIGHTS && kind == Sharding.ZERO3;
    }

    private boolean dividesState() {
        return kind == Sharding.ZERO1 || kind == Sharding.ZERO2 || kind == Sharding.ZERO3;
    }

    private long part(long bytes) {
        return (bytes - 1) / devices + 1;
    }
}
