package io.headroom.oom;

/** Who printed the failure: a device's allocator, a library on top of it, the host, the JVM or another framework. */
public enum Backend {
    CUDA("cuda", "PyTorch on CUDA"),
    HIP("hip", "PyTorch on ROCm"),
    XPU("xpu", "PyTorch on an Intel GPU"),
    MPS("mps", "PyTorch on Apple's Metal"),
    CPU("cpu", "host memory"),
    JVM("jvm", "the Java virtual machine"),
    OOM_KILLER("oom-killer", "the operating system"),
    CUBLAS("cublas", "cuBLAS"),
    CUDNN("cudnn", "cuDNN"),
    NCCL("nccl", "NCCL"),
    DATALOADER_SHM("dataloader-shm", "a PyTorch DataLoader"),
    TENSORFLOW("tensorflow", "TensorFlow"),
    JAX("jax", "JAX");

    private final String label;
    private final String title;

    Backend(String label, String title) {
        this.label = label;
        this.title = title;
    }

    /** The name in data and JSON: {@code "cuda"}, {@code "oom-killer"}. */
    public String label() {
        return label;
    }

    /** How a sentence calls it: {@code "PyTorch on CUDA"}. */
    public String title() {
        return title;
    }

    /** Whether the memory that ran out is a GPU's, shared with the host or not. */
    public boolean isDevice() {
        return switch (this) {
            case CUDA, HIP, XPU, MPS, CUBLAS, CUDNN, NCCL -> true;
            default -> false;
        };
    }
}
