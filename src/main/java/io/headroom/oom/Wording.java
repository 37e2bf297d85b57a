package io.headroom.oom;

/** Which program's sentence the message is; the torch releases are those that print it so. */
public enum Wording {
    CUDA_RUNTIME_2("cuda runtime error (2)", "0.4.0 or older"),
    CACHED("CUDA out of memory (… cached)", "0.4.1 – 1.3"),
    RESERVED("CUDA out of memory (… reserved in total by PyTorch)", "1.4 – 1.9"),
    RESERVED_WITH_HINT("CUDA out of memory (… max_split_size_mb)", "1.10 – 2.0"),
    CAPACTY("CUDA out of memory, total capacty", "2.1"),
    CAPACITY("CUDA out of memory, total capacity", "2.2 or newer"),
    PRIVATE_POOLS("CUDA out of memory, with private pools", "2.4 or newer"),
    ALLOC_CONF("CUDA out of memory, PYTORCH_ALLOC_CONF", "2.10"),
    OPTIMIZING("CUDA out of memory, docs.pytorch.org", "2.11 or newer"),
    HEADLINE("out of memory, no breakdown", ""),
    SINGLE_BLOCK("a single block above the device's limit", ""),
    OVERFLOW("more memory than any machine has", ""),
    ASYNC("cudaMallocAsync would exceed allowed memory", "2.0 or newer"),
    RAW_RUNTIME("CUDA error: out of memory", ""),
    DRIVER("CUDA driver error: out of memory", "2.1 or newer, with expandable segments"),
    CACHE_BLOCKS("no memory for the cache of keys and values", ""),
    HANDLE("a library could not create its handle", ""),
    ENGINE_SEARCH("no convolution engine could be found", ""),
    NCCL("NCCL could not allocate", ""),
    MPS("MPS backend out of memory (MB, GB)", "1.12 – 2.7"),
    MPS_BINARY("MPS backend out of memory (MiB, GiB)", "2.8 or newer"),
    MPS_BUFFER("Invalid buffer size", ""),
    METAL("Metal: Insufficient Memory", ""),
    CPU_ALLOCATOR("DefaultCPUAllocator", ""),
    CPU_OLD("Torch: not enough memory", "1.0 or older"),
    MMAP("a file could not be mapped", ""),
    NUMPY("NumPy: Unable to allocate", ""),
    PYTHON("Python MemoryError", ""),
    ERRNO_12("Cannot allocate memory (errno 12)", ""),
    BAD_ALLOC("std::bad_alloc", ""),
    NATIVE("a program could not allocate", ""),
    PAGE_FILE("the paging file is too small (Windows error 1455)", ""),
    MXNET("MXNet could not allocate", ""),
    ONNX("ONNX Runtime could not allocate", ""),
    WORKER_BUS_ERROR("a DataLoader worker died of a bus error", ""),
    WORKER_KILLED("a DataLoader worker was killed", ""),
    SHM("shared memory could not be allocated", ""),
    SHM_MAP("shared memory could not be mapped", ""),
    KERNEL_KILL("the kernel's out-of-memory killer", ""),
    CGROUP_KILL("the container's memory limit", ""),
    JOB_LIMIT("the memory limit of a batch system", ""),
    OTHER_KILLER("a watcher of the machine's memory", ""),
    EXIT_137("exit 137, killed", ""),
    KERNEL_DIED("the notebook kernel died", ""),
    JAVA_HEAP("Java heap space", ""),
    GC_OVERHEAD("GC overhead limit exceeded", ""),
    ARRAY_LIMIT("Requested array size exceeds VM limit", ""),
    METASPACE("Metaspace", ""),
    CLASS_SPACE("Compressed class space", ""),
    DIRECT_BUFFER("direct buffer memory", ""),
    NATIVE_THREAD("unable to create native thread", ""),
    MAP_FAILED("Map failed", ""),
    OUT_OF_SWAP("Out of swap space?", ""),
    JAVACPP_LIMIT("JavaCPP's limit", ""),
    JAVA_OTHER("java.lang.OutOfMemoryError", ""),
    HEAP_RESERVE("Could not reserve enough space for the object heap", ""),
    HOTSPOT_NATIVE("insufficient memory for the Java Runtime Environment", ""),
    NOT_PERMITTED("the system forbade the Java virtual machine a call", ""),
    TENSORFLOW("TensorFlow: out of memory", ""),
    JAX("JAX: RESOURCE_EXHAUSTED", "");

    private final String title;
    private final String torch;

    Wording(String title, String torch) {
        this.title = title;
        this.torch = torch;
    }

    public String title() {
        return title;
    }

    /** The torch releases that print it so, or {@code ""} where the wording does not tell. */
    public String torch() {
        return torch;
    }
}
