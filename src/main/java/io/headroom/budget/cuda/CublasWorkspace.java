package io.headroom.budget.cuda;

import io.headroom.units.Bytes;

/**
 * What PyTorch takes from its allocator at the first cuBLAS call on a stream and keeps.
 *
 * <p>Source: {@code parseChosenWorkspaceSize} in {@code aten/src/ATen/cuda/CublasHandlePool.cpp}, 2.6: {@code 4096 * 8 * 1024} on
 * compute capability 9.0, else {@code 4096 * 1024 * 2 + 16 * 1024 * 8}; later versions take the larger one from 10 on too. The
 * environment's {@code CUBLAS_WORKSPACE_CONFIG} is not followed.
 */
final class CublasWorkspace {
    private static final long USUAL = 2 * 4096 * Bytes.KIB + 8 * 16 * Bytes.KIB;
    private static final long HOPPER = 8 * 4096 * Bytes.KIB;
    private static final int NINE = 90;

    /** Less than the driver of the smallest whole card of compute capability 9 counts, 80 GiB less 2 %. */
    private static final long SMALLEST_HOPPER = 78 * Bytes.GIB;

    private CublasWorkspace() {}

    static long of(CudaStep step) {
        return step.capability() == NINE ? HOPPER : USUAL;
    }

    /** How much more may be reserved for it, on a card that may be such a one or under a later PyTorch. */
    static long doubt(CudaStep step) {
        boolean mayBe = step.capability() == Card.UNKNOWN
                ? step.card() == 0 || step.card() >= SMALLEST_HOPPER
                : step.capability() > NINE;
        return mayBe ? HOPPER : 0;
    }
}
