package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Size;
import io.headroom.oom.Wording;
import io.headroom.units.Bytes;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Which remedies fit a failure, with what the message lets be told about their saving. */
final class Catalogue {
    private final OutOfMemory oom;
    private final Cause cause;
    private final Situation situation;
    private final Growth growth;
    private final Implied seen;
    private final Place place;
    private List<Advice> advice;
    private List<WontHelp> wontHelp;

    Catalogue(OutOfMemory oom, Cause cause, Situation situation, Growth growth) {
        this.oom = oom;
        this.cause = cause;
        this.situation = situation;
        this.growth = growth;
        this.seen = new Implied(oom);
        this.place = new Place(situation.kernel());
    }

    void fill(List<Advice> remedies, List<WontHelp> useless) {
        advice = remedies;
        wontHelp = useless;
        held();
        switch (oom.allocator()) {
            case CUDA, HIP, XPU, CUBLAS, CUDNN, NCCL -> device();
            case MPS -> mps();
            case CPU -> host();
            case JVM -> jvm();
            case OOM_KILLER -> killed();
            case DATALOADER_SHM -> shared();
            default -> framework();
        }
        remedies.sort(Comparator.comparingLong((Advice each) -> -each.saves().orElse(-1)));
    }

    private void held() {
        situation.heldByCell().ifPresent(bytes -> {
            if (bytes > 0) {
                add("release what the failed cell holds", bytes, "release()", "none: the cell failed anyway");
            }
        });
        if (growth.steady()) {
            add(
                    "stop what accumulates",
                    growth.total(),
                    "Close each step's NDArrays: try (NDManager step = manager.newSubManager()) { … }; keep losses as floats"
                            + " (loss.getFloat()), not as NDArrays.",
                    "none");
        }
    }

    private void device() {
        switch (cause) {
            case SHAPE_BUG -> shape();
            case OVERSIZED_REQUEST -> {
                shape();
                smaller();
            }
            case FRAGMENTATION -> {
                expandable();
                bucket();
                smaller();
            }
            case OTHER_PROCESS -> {
                others();
                smaller();
            }
            case LIMIT -> {
                cap();
                smaller();
            }
            case ACCUMULATION_LEAK -> {
                leak();
                smaller();
            }
            case CAPACITY -> {
                smaller();
                leak();
            }
            default -> {
                others();
                leak();
                smaller();
            }
        }
        if (cause != Cause.FRAGMENTATION && hasFigures()) {
            no(
                    "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",
                    "it closes holes, and "
                            + seen.unallocated
                                    .map(size -> "only " + size + " are reserved but unallocated")
                                    .orElse("nothing here shows that there are any")
                            + ".");
        }
        if (oom.wording() != Wording.RAW_RUNTIME && hasFigures()) {
            no(
                    "emptying the cache",
                    "PyTorch had already returned every free segment before it gave up; what is left are live tensors and the"
                            + " holes between them.");
        }
        if (cause != Cause.LIMIT && cause != Cause.OTHER_PROCESS) {
            no("a larger Java heap (-Xmx)", "tensors do not live in it.");
        }
    }

    private boolean hasFigures() {
        return seen.allocated.isPresent();
    }

    private void shape() {
        add(
                "fix the shape",
                oom.size(Field.REQUESTED),
                "Print the shapes before " + oom.where().orElse("the failing line")
                        + ": one factor is far too large (a batch"
                        + " product, an outer product instead of a row-wise one, an uninitialised length).",
                "none");
        add(
                "cut the work into chunks",
                half(),
                "Run the operation on slices of the first axis and concatenate, or compute attention in query chunks.",
                "a little slower");
    }

    private void smaller() {
        add(
                "halve the batch",
                half(),
                "batch size / 2, and again until it fits",
                "none for inference; noisier gradients");
        add(
                "gradient accumulation",
                half(),
                "micro-batches of half the size, step() every second one, loss divided by 2",
                "a little slower; batch norm sees smaller batches");
        add(
                "gradient checkpointing",
                OptionalLong.empty(),
                "keep each layer's input only and recompute the rest in backward()",
                "one more forward pass: 20–35 % slower");
        add(
                "float16",
                half(),
                "load the model and its inputs as DataType.FLOAT16",
                "accuracy; training needs loss scaling");
        add("shorter sequences or smaller images", half(), "half the length", "accuracy on long inputs");
        add("run on the CPU", OptionalLong.empty(), place.cpu(), "5–10 times slower");
    }

    private void expandable() {
        boolean old = oom.wording() == Wording.RESERVED_WITH_HINT || oom.wording() == Wording.RESERVED;
        String name = oom.allocator() == Backend.HIP ? "PYTORCH_HIP_ALLOC_CONF" : "PYTORCH_CUDA_ALLOC_CONF";
        String value = old ? "max_split_size_mb:128" : "expandable_segments:True";
        add(
                value.substring(0, value.indexOf(':')).replace('_', ' '),
                saving(seen.unallocated),
                place.environment(name, value),
                old ? "a little slower; it keeps large blocks whole" : "none known; not on Windows");
    }

    private void bucket() {
        add(
                "few different shapes",
                saving(seen.unallocated),
                "Pad or sort inputs into a few lengths, so that a freed block fits the next request.",
                "some padding is computed for nothing");
    }

    private void others() {
        Optional<Size> held = seen.othersListed.or(() -> seen.elsewhere);
        if (cause == Cause.OTHER_PROCESS) {
            add(
                    "stop the other processes",
                    saving(held),
                    "nvidia-smi lists them; end the ones that are yours (an old notebook kernel keeps its memory until it is"
                            + " shut down).",
                    "their work");
            add("use another GPU", saving(held), place.environment("CUDA_VISIBLE_DEVICES", "1"), "needs a second one");
        } else if (oom.size(Field.REQUESTED).isEmpty()) {
            add(
                    "free the card of other processes",
                    OptionalLong.empty(),
                    "nvidia-smi lists them; shut down old notebook kernels",
                    "their work");
        }
    }

    private void cap() {
        OptionalLong more = seen.total.isPresent() && seen.allowed.isPresent()
                ? OptionalLong.of(Math.min(
                        Math.max(
                                0, seen.total.get().bytes() - seen.allowed.get().bytes()),
                        seen.free.map(Size::bytes).orElse(Long.MAX_VALUE)))
                : OptionalLong.empty();
        add(
                "raise the limit of this process",
                more,
                "set_per_process_memory_fraction (or per_process_memory_fraction in PYTORCH_CUDA_ALLOC_CONF) higher, or drop"
                        + " it",
                "less is left for others on the device");
    }

    private void leak() {
        if (!growth.steady()) {
            situation
                    .liveArrays()
                    .ifPresent(bytes -> add(
                            "close NDArrays that are no longer needed",
                            bytes,
                            "release(model) after use; a sub-manager for each step: manager.newSubManager()",
                            "none"));
        }
    }

    private void mps() {
        if (cause == Cause.OVERSIZED_REQUEST || cause == Cause.SHAPE_BUG) {
            shape();
        }
        add(
                "release what is done with",
                situation.liveArrays(),
                "release(model), and close the data and the predictions too, before the next model is loaded",
                "none");
        smaller();
        Optional<Size> allowed = oom.size(Field.MAX_ALLOWED);
        long memory = allowed.map(Mac::memory).orElse(0L);
        String setting = place.environment("PYTORCH_MPS_HIGH_WATERMARK_RATIO", "0.0");
        if (cause == Cause.LIMIT) {
            add(
                    "raise the watermark",
                    OptionalLong.empty(),
                    "unset PYTORCH_MPS_HIGH_WATERMARK_RATIO, or set it higher",
                    "the system may swap");
        } else if (oom.wording() == Wording.MPS_BUFFER) {
            no("PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0", "the limit is on one Metal buffer, not on the sum.");
        } else if (memory > 0 && memory < 32 * Bytes.GIB) {
            no(
                    "PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0",
                    "the " + allowed.orElseThrow() + " allowed are already more than the " + Bytes.format(memory)
                            + " that this Mac has: lifting the limit makes it swap, and may freeze it.");
        } else {
            add(
                    "lift the watermark",
                    OptionalLong.empty(),
                    setting,
                    "may starve or crash the system; above 32 GB only");
        }
        no("a larger Java heap (-Xmx)", "tensors do not live in it; a smaller heap leaves the Mac more.");
    }

    private void host() {
        if (cause == Cause.OVERSIZED_REQUEST || cause == Cause.SHAPE_BUG) {
            shape();
        }
        if (cause == Cause.LIMIT) {
            OptionalLong more = situation.machineFree();
            add(
                    "raise the limit",
                    more,
                    "limit(…) with a higher size, or none",
                    "less is left for others on the machine");
        }
        leak();
        smaller();
        add("give native memory room", OptionalLong.empty(), place.jvm("-Xmx1g"), "less room for Java objects");
        if (cause != Cause.LIMIT) {
            add("more swap, or a larger page file", OptionalLong.empty(), "system settings", "very slow when used");
        }
        no("a larger Java heap (-Xmx)", "libtorch's tensors live outside it, and a larger heap leaves them less.");
        no("emptying the CUDA cache", "this failure is on the CPU, where PyTorch keeps no cache.");
    }

    private void jvm() {
        switch (oom.wording()) {
            case JAVA_HEAP, GC_OVERHEAD, JAVA_OTHER -> {
                add("a larger heap", OptionalLong.empty(), place.jvm("-Xmx4g"), "less is left for libtorch's tensors");
                add(
                        "drop what the notebook holds",
                        OptionalLong.empty(),
                        "Set large Java arrays and lists that cells declared to null; keep data in NDArrays or stream it.",
                        "none");
                no("closing NDArrays", "their numbers are native memory, outside the Java heap.");
            }
            case DIRECT_BUFFER -> {
                add(
                        "a higher limit for direct buffers",
                        OptionalLong.empty(),
                        place.jvm("-XX:MaxDirectMemorySize=2g"),
                        "less is left for libtorch's tensors");
                add(
                        "close the NDArrays made from Java buffers",
                        oom.size(Field.ALLOCATED)
                                .map(size -> OptionalLong.of(size.bytes()))
                                .orElse(OptionalLong.empty()),
                        "A CPU NDArray made from a Java buffer keeps it until it is closed and collected.",
                        "none");
                no("a larger Java heap (-Xmx)", "direct buffers have their own limit.");
            }
            case METASPACE, CLASS_SPACE ->
                add(
                        "more room for classes",
                        OptionalLong.empty(),
                        place.jvm("-XX:MaxMetaspaceSize=512m"),
                        "less is left for the rest");
            case ARRAY_LIMIT -> {
                add("cut the array", half(), "several arrays, or an NDArray: its sizes are 64-bit", "none");
                no("a larger Java heap (-Xmx)", "the limit is on the number of elements.");
            }
            case NATIVE_THREAD ->
                add(
                        "fewer threads",
                        OptionalLong.empty(),
                        "a fixed pool; ulimit -u and the container's pids limit; " + place.jvm("-Xss512k"),
                        "none");
            default -> {
                add("a smaller heap", OptionalLong.empty(), place.jvm("-Xmx1g"), "less room for Java objects");
                add("a larger container or machine", OptionalLong.empty(), "docker run --memory=8g", "money");
                no("a larger Java heap (-Xmx)", "the system has no more to give; the heap takes from the same memory.");
            }
        }
    }

    private void killed() {
        add(
                "a larger limit",
                OptionalLong.empty(),
                "docker run --memory=8g; resources.limits.memory in Kubernetes",
                "money");
        add(
                "a limit that fails instead of killing",
                OptionalLong.empty(),
                "limit(\"…\") below the container's limit: then an exception appears, and the notebook survives",
                "none");
        smaller();
        no("catching the exception", "a killed process never sees one.");
    }

    private void shared() {
        add("more shared memory", OptionalLong.empty(), "docker run --shm-size=8g (or --ipc=host)", "host memory");
        add(
                "fewer loader workers",
                OptionalLong.empty(),
                "num_workers=0, or half as many; smaller batches",
                "slower loading");
        no("a GPU with more memory", "shared memory is the host's.");
    }

    private void framework() {
        add(
                "let it allocate as needed",
                OptionalLong.empty(),
                oom.allocator() == Backend.JAX
                        ? place.environment("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
                        : place.environment("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
                "more fragmentation");
        add("halve the batch", half(), "batch size / 2, and again until it fits", "none for inference");
        no("PyTorch's settings", "the message is " + oom.allocator().title() + "'s.");
    }

    private OptionalLong half() {
        Optional<Size> requested = oom.size(Field.REQUESTED);
        return requested.isEmpty() || Implied.tensorBehind(oom).isPresent() || oom.impossible()
                ? OptionalLong.empty()
                : OptionalLong.of(requested.get().low() / 2);
    }

    private static OptionalLong saving(Optional<Size> size) {
        return size.isPresent() ? OptionalLong.of(size.get().low()) : OptionalLong.empty();
    }

    private void add(String name, Optional<Size> saves, String how, String cost) {
        add(name, saving(saves), how, cost);
    }

    private void add(String name, long saves, String how, String cost) {
        add(name, OptionalLong.of(saves), how, cost);
    }

    private void add(String name, OptionalLong saves, String how, String cost) {
        advice.add(new Advice(name, saves, how, cost));
    }

    private void no(String name, String because) {
        wontHelp.add(new WontHelp(name, because));
    }
}
