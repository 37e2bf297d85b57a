package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.Field;
import io.headroom.oom.Wording;
import java.util.OptionalLong;

/** What to do when host memory, the JVM's memory or another framework's ran out. */
final class HostAdvice {
    private static final String HEAP = "a larger Java heap (-Xmx)";

    private HostAdvice() {}

    static void give(Advisor advisor) {
        switch (advisor.oom.allocator()) {
            case JVM -> jvm(advisor);
            case OOM_KILLER -> killed(advisor);
            case DATALOADER_SHM -> shared(advisor);
            case TENSORFLOW, JAX -> framework(advisor);
            default -> cpu(advisor);
        }
    }

    private static void cpu(Advisor advisor) {
        if (advisor.cause == Cause.OVERSIZED_REQUEST || advisor.cause == Cause.SHAPE_BUG) {
            DeviceAdvice.shape(advisor);
        }
        if (advisor.halvingCannotFit()) {
            advisor.no(HEAP, "libtorch's tensors live outside it, and no heap holds this request.");
            return;
        }
        if (advisor.cause == Cause.LIMIT) {
            advisor.raise(
                    "",
                    advisor.situation.machineLeft(),
                    "as the machine had left",
                    "unlimited(), or limit(…) with a higher size",
                    "less is left for others on the machine");
        }
        advisor.smallerStep();
        advisor.release();
        if (advisor.place.isNotebook() && System.getenv("MALLOC_MMAP_THRESHOLD_") == null) {
            advisor.process("fixed malloc thresholds", OptionalLong.empty(), "");
        }
        if (advisor.oom.wording() == Wording.PAGE_FILE) {
            advisor.add(
                    "a larger paging file",
                    "System Properties → Advanced → Performance → Virtual memory; on a drive with room",
                    "slow when used");
        } else if (advisor.cause != Cause.LIMIT) {
            advisor.add("more swap", "a setting of the system", "very slow when used");
        }
        advisor.no(HEAP, "libtorch's tensors live outside it, and a larger heap leaves them less.");
        advisor.no("emptying the CUDA cache", "this failure is on the CPU, where PyTorch keeps no cache.");
        advisor.no("CPU instead of the device", "it runs on the CPU already.");
        advisor.no("expandable segments", "they are a setting of the CUDA allocator.");
    }

    private static void jvm(Advisor advisor) {
        switch (advisor.oom.wording()) {
            case JAVA_HEAP, GC_OVERHEAD, JAVA_OTHER -> {
                advisor.add("a larger heap", heap(advisor, 2, "twice"), "less is left for libtorch's tensors");
                advisor.add(
                        "drop what the notebook holds",
                        "set large Java arrays and lists that cells declared to null; keep data in NDArrays or stream it",
                        "none");
                advisor.no("closing NDArrays", "their numbers are native memory, outside the Java heap.");
            }
            case DIRECT_BUFFER -> {
                advisor.add(
                        "close the NDArrays made from Java buffers",
                        advisor.oom
                                .size(Field.ALLOCATED)
                                .map(size -> OptionalLong.of(size.bytes()))
                                .orElse(OptionalLong.empty()),
                        "all direct buffers",
                        "a CPU NDArray made from a Java buffer keeps it until it is closed and collected",
                        "none");
                advisor.add(
                        "a higher limit for direct buffers",
                        advisor.oom
                                .size(Field.MAX_ALLOWED)
                                .map(limit ->
                                        advisor.place.jvm("-XX:MaxDirectMemorySize=" + JvmSize.of(2 * limit.bytes())))
                                .orElse("-XX:MaxDirectMemorySize, twice what it is; without it, -Xmx is the limit"),
                        "less is left for libtorch's tensors");
                advisor.no(HEAP, "direct buffers have a limit of their own.");
            }
            case METASPACE, CLASS_SPACE -> {
                advisor.add(
                        "more room for classes",
                        advisor.place.jvm(
                                advisor.oom.wording() == Wording.CLASS_SPACE
                                        ? "-XX:CompressedClassSpaceSize=512m"
                                        : "-XX:MaxMetaspaceSize=512m"),
                        "less is left for the rest");
                advisor.no(HEAP, "classes live outside the heap.");
            }
            case ARRAY_LIMIT -> {
                advisor.add("cut the array", "several arrays, or an NDArray: its sizes are 64-bit", "none");
                advisor.no(HEAP, "the limit is on the number of elements.");
            }
            case NATIVE_THREAD -> {
                advisor.add(
                        "fewer threads", "a fixed pool of threads; ulimit -u and the container's pids limit", "none");
                advisor.add("smaller stacks", advisor.place.jvm("-Xss512k"), "deep recursion fails earlier");
                advisor.no(HEAP, "stacks live outside the heap; a smaller one leaves them more.");
            }
            case NOT_PERMITTED -> {
                advisor.add(
                        "a newer container runtime",
                        "docker version, and a Docker with a newer runc and libseccomp; docker run --security-opt seccomp=unconfined"
                                + " tells whether that is it",
                        "unconfined is less safe: to find out, not to stay");
                advisor.no(HEAP, "memory was not what lacked.");
            }
            default -> {
                advisor.add("a smaller heap", heap(advisor, 0.5, "half"), "less room for Java objects");
                advisor.add(
                        "a larger container or machine",
                        "docker run --memory=…, above what it has (docker stats, or /sys/fs/cgroup/memory.max)",
                        "the machine must have it");
                advisor.no(HEAP, "the system has no more to give, and the heap takes from the same memory.");
            }
        }
    }

    /** From the heap in force, where that is known. */
    private static String heap(Advisor advisor, double times, String words) {
        long now = advisor.situation.heapMax();
        return now > 0
                ? advisor.place.jvm("-Xmx" + JvmSize.of((long) (now * times))) + "      // it is " + JvmSize.of(now)
                : "-Xmx, " + words
                        + " what it is (java -XX:+PrintFlagsFinal -version | grep MaxHeapSize tells the default)";
    }

    private static void killed(Advisor advisor) {
        if (advisor.oom.wording() == Wording.JOB_LIMIT) {
            advisor.raise(
                    " of the job",
                    OptionalLong.empty(),
                    "",
                    "Slurm: sbatch --mem=…; YARN: spark.executor.memoryOverhead; Cloud Run: --memory=…, above what was used",
                    "the queue or the bill");
            advisor.smallerStep();
            advisor.no("catching the exception", "a killed process never sees one.");
            return;
        }
        boolean container = KilledProcess.inContainer(advisor.oom);
        if (container) {
            String size = KilledProcess.of(advisor.oom)
                    .map(KilledProcess::largerLimit)
                    .orElse("…");
            advisor.add(
                    "a larger limit",
                    "docker run --memory=" + size + "; resources.limits.memory in Kubernetes"
                            + (size.equals("…") ? ", above what it has (docker stats)" : ""),
                    "the machine must have it");
        } else {
            advisor.add(
                    "less beside it, or more memory",
                    "end what else takes memory (top, sorted by RES); more swap; a larger machine",
                    "their work, or money");
        }
        advisor.add(
                container ? "a cap below the container's" : "a cap below the machine's memory",
                "limit(\"…\"): then an exception with a message appears, and the notebook survives",
                "none");
        advisor.smallerStep();
        advisor.no("catching the exception", "a killed process never sees one.");
        advisor.no(HEAP, "it counts against the same " + (container ? "limit." : "memory."));
    }

    private static void shared(Advisor advisor) {
        if (advisor.oom.wording() == Wording.SHM_MAP) {
            advisor.add(
                    "more mappings",
                    "sysctl -w vm.max_map_count=262144      # as root; cat /proc/<pid>/maps | wc -l tells how many there are",
                    "none");
            advisor.add(
                    "fewer shared tensors",
                    "torch.multiprocessing.set_sharing_strategy(\"file_system\"), larger samples in one tensor",
                    "none");
        }
        advisor.add(
                "more shared memory",
                "docker run --shm-size=…, above what df -h /dev/shm tells (or --ipc=host)",
                "host memory");
        advisor.add("fewer loader workers", "num_workers=0, or half as many; smaller batches", "slower loading");
        advisor.no("a GPU with more memory", "shared memory is the host's.");
        advisor.no("emptying the CUDA cache", "nothing on the GPU ran out.");
    }

    private static void framework(Advisor advisor) {
        advisor.add(
                "let it allocate as needed",
                advisor.oom.allocator() == Backend.JAX
                        ? advisor.place.environment("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
                        : advisor.place.environment("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
                "more fragmentation");
        advisor.smallerStep();
        advisor.no(
                "PyTorch's settings",
                "the message is " + advisor.oom.allocator().title() + "'s.");
    }
}
