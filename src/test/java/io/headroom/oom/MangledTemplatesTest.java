package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** Random numbers in the sentences of the host, the JVM, libraries and other allocators, as logs and terminals leave them. */
class MangledTemplatesTest {
    /** {@code {field}} is printed with a unit, {@code {field#}} as a count of bytes, {@code {n}} is no field. */
    private static final Pattern SLOT = Pattern.compile("\\{(\\w+)([#$%&!]?)}");

    private static final String ENFORCE = "RuntimeError: [enforce fail at %s] %s. DefaultCPUAllocator: %s";
    private static final String LINUX =
            "can't allocate memory: you tried to allocate {requested_bytes#} bytes. Error code 12"
                    + " (Cannot allocate memory)";
    private static final String WINDOWS = "not enough memory: you tried to allocate {requested_bytes#} bytes.";
    private static final String HS_ERR =
            "# There is insufficient memory for the Java Runtime Environment to continue.\n"
                    + "# Native memory allocation (%s) failed to %s {requested_bytes#} bytes%s\n# Possible reasons:\n"
                    + "#   The system is out of physical RAM or swap space";
    private static final String KILLED = "Killed process {n} (java) total-vm:{n}kB, anon-rss:{n}kB, file-rss:{n}kB,"
            + " shmem-rss:0kB, UID:1000 pgtables:{n}kB oom_score_adj:0";

    /** Backend, then template. */
    private static final List<Map.Entry<String, String>> TEMPLATES = List.of(
            Map.entry("cpu", ENFORCE.formatted("alloc_cpu.cpp:{n}", "err == 0", LINUX)),
            Map.entry("cpu", ENFORCE.formatted("CPUAllocator.cpp:{n}", "", LINUX)),
            Map.entry("cpu", ENFORCE.formatted("..\\c10\\core\\impl\\alloc_cpu.cpp:{n}", "data", WINDOWS)),
            Map.entry(
                    "cpu", ENFORCE.formatted("C:\\b\\abs_{n}\\work\\c10\\core\\CPUAllocator.cpp:{n}", "data", WINDOWS)),
            Map.entry(
                    "cpu",
                    "[enforce fail at alloc_cpu.cpp:{n}] posix_memalign(&data, gAlignment, nbytes) == 0. 12 vs 0"),
            Map.entry(
                    "cpu",
                    "RuntimeError: $ Torch: not enough memory: you tried to allocate {requested_bytes!}. Buy new RAM!"),
            Map.entry(
                    "cpu",
                    "numpy.core._exceptions._ArrayMemoryError: Unable to allocate {requested_bytes%} for an array with"
                            + " shape ({n}, {n}) and data type float32"),
            Map.entry(
                    "cpu",
                    "RuntimeError: unable to mmap {requested_bytes#} bytes from file <model.bin>: Cannot allocate memory (12)"),
            Map.entry("cpu", "memory allocation of {requested_bytes#} bytes failed"),
            Map.entry(
                    "dataloader-shm",
                    "RuntimeError: unable to mmap {requested_bytes#} bytes from file </torch_{n}_{n}_{n}>: Cannot allocate"
                            + " memory (12)"),
            Map.entry(
                    "dataloader-shm",
                    "RuntimeError: DataLoader worker (pid {n}) is killed by signal: Bus error. It is possible that"
                            + " dataloader's workers are out of shared memory. Please try to raise your shared memory limit."),
            Map.entry("dataloader-shm", "RuntimeError: unable to write to file </torch_{n}_{n}_{n}>"),
            Map.entry(
                    "dataloader-shm",
                    "RuntimeError: unable to open shared memory object </torch_{n}_{n}_{n}> in read-write mode: Too many"
                            + " open files (24)"),
            Map.entry("jvm", HS_ERR.formatted("mmap", "map", " for committing reserved memory.")),
            Map.entry("jvm", HS_ERR.formatted("mmap", "map", ". Error detail: committing reserved memory.")),
            Map.entry("jvm", HS_ERR.formatted("malloc", "allocate", " for Chunk::new")),
            Map.entry(
                    "jvm",
                    "OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x00007f4a6c2b2000, {requested_bytes#}, 0)"
                            + " failed; error='Cannot allocate memory' (errno=12)"),
            Map.entry(
                    "jvm",
                    "Java HotSpot(TM) 64-Bit Server VM warning: INFO: os::commit_memory(0x0000000540000000,"
                            + " {requested_bytes#}, 0) failed; error='The paging file is too small for this operation to"
                            + " complete' (DOS error/errno=1455)"),
            Map.entry(
                    "jvm",
                    "Error occurred during initialization of VM\nCould not reserve enough space for"
                            + " {requested_bytes$} object heap"),
            Map.entry("jvm", "Could not allocate metaspace: {requested_bytes#} bytes"),
            Map.entry(
                    "jvm",
                    "Exception in thread \"main\" java.lang.OutOfMemoryError: Cannot reserve {requested_bytes#} bytes of"
                            + " direct buffer memory (allocated: {allocated_bytes#}, limit: {max_allowed_bytes#})"),
            Map.entry(
                    "jvm",
                    "java.lang.OutOfMemoryError: requested {requested_bytes#} bytes for ChunkPool::allocate. Out of swap"
                            + " space?"),
            Map.entry("oom-killer", "kernel: [{n}.{n}] Out of memory: " + KILLED),
            Map.entry("oom-killer", "kernel: [{n}.{n}] Memory cgroup out of memory: " + KILLED),
            Map.entry("oom-killer", "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"),
            Map.entry(
                    "oom-killer",
                    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=pod1,mems_allowed=0,task=java,pid={n},uid=0"),
            Map.entry("cublas", "RuntimeError: CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU={n} ;"),
            Map.entry("cublas", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            Map.entry("cudnn", "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
            Map.entry("nccl", "host:{n}:{n} [3] include/alloc.h:{n} NCCL WARN Cuda failure 2 'out of memory'"),
            Map.entry(
                    "cpu",
                    "Error: model requires more system memory ({requested_bytes}) than is available ({free_bytes})"),
            Map.entry(
                    "cuda",
                    "ggml_backend_cuda_buffer_type_alloc_buffer: allocating {requested_bytes} on device {gpu}: cudaMalloc"
                            + " failed: out of memory"),
            Map.entry("jax", "RESOURCE_EXHAUSTED: Out of memory while trying to allocate {requested_bytes#} bytes."),
            Map.entry(
                    "hip",
                    "HIP out of memory. Tried to allocate {requested_bytes} (GPU {gpu}; {total_bytes} total capacity;"
                            + " {allocated_bytes} already allocated; {free_bytes} free; {reserved_bytes} reserved in total by"
                            + " PyTorch)"),
            Map.entry(
                    "xpu",
                    "XPU out of memory. Tried to allocate {requested_bytes} (GPU {gpu}; {total_bytes} total capacity;"
                            + " {allocated_bytes} already allocated; {reserved_bytes} reserved in total by PyTorch)"),
            Map.entry(
                    "mps",
                    "MPS backend out of memory (MPS allocated: {mps_allocated_bytes&}, other allocations:"
                            + " {mps_other_bytes&}, max allowed: {max_allowed_bytes&}). Tried to allocate {requested_bytes&}"
                            + " on shared pool. Use PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 to disable upper limit for memory"
                            + " allocations (may cause system failure)."),
            Map.entry(
                    "cuda",
                    "Allocation on device {gpu} would exceed allowed memory. (out of memory)\nCurrently allocated     :"
                            + " {allocated_bytes}\nRequested               : {requested_bytes}\nDevice limit            :"
                            + " {total_bytes}\nFree (according to CUDA): {free_bytes}\nPyTorch limit (set by user-supplied"
                            + " memory fraction)\n                        : 17179869184.00 GiB"));

    private static final List<String> PREFIXES = List.of(
            "",
            "# ",
            "> ",
            "[rank3]: ",
            "worker-1  | ",
            "2024-08-21 22:56:04,123 ERROR ",
            "2024-03-01T10:11:12.345678Z stderr F ",
            "May 15 23:09:30 node-1 python[4711]: ",
            "(EngineCore pid=112) ERROR 05-01 14:39:06 [core.py:1131] ",
            "12:01:07.333 [main] WARN  a.b.Trainer - ");

    @Property(tries = 1500)
    void numbersSurvive(
            @ForAll("templates") Map.Entry<String, String> template,
            @ForAll("prefixes") String prefix,
            @ForAll @IntRange(min = 60, max = 200) int width,
            @ForAll boolean coloured,
            @ForAll long seed) {
        Map<String, Long> expected = new LinkedHashMap<>();
        String message = mangled(filled(template.getValue(), new Random(seed), expected), prefix, width, coloured);

        Log log = Log.read(message);

        assertThat(log.failures()).as(message).isNotEmpty();
        assertThat(log.failures().get(0).fields()).as(message).containsExactlyInAnyOrderEntriesOf(expected);
        assertThat(log.failures().get(0).backend().label()).as(message).isEqualTo(template.getKey());
    }

    @Property(tries = 1500)
    void aLineBrokenAnywhereIsStillRead(
            @ForAll("templates") Map.Entry<String, String> template,
            @ForAll @IntRange(min = 41, max = 130) int width,
            @ForAll long seed) {
        Map<String, Long> expected = new LinkedHashMap<>();
        String message = filled(template.getValue(), new Random(seed), expected)
                .replace('\n', ' ')
                .replaceAll("(.{" + width + "})", "$1\n");

        OutOfMemory oom = OutOfMemory.read(message).orElseThrow(() -> new AssertionError(message));

        assertThat(oom.fields()).as(message).containsExactlyInAnyOrderEntriesOf(expected);
    }

    @Property(tries = 3000)
    void whatIsLeftOfACutMessageIsExact(
            @ForAll("templates") Map.Entry<String, String> template,
            @ForAll("prefixes") String prefix,
            @ForAll boolean coloured,
            @ForAll long seed) {
        Map<String, Long> expected = new LinkedHashMap<>();
        Random random = new Random(seed);
        String whole = mangled(filled(template.getValue(), random, expected), prefix, 120, coloured);
        String message = whole.substring(0, random.nextInt(whole.length()) + 1);

        OutOfMemory.read(message)
                .ifPresent(oom -> assertThat(expected).as(message).containsAllEntriesOf(oom.fields()));
    }

    @Provide
    Arbitrary<Map.Entry<String, String>> templates() {
        return Arbitraries.of(TEMPLATES);
    }

    @Provide
    Arbitrary<String> prefixes() {
        return Arbitraries.of(PREFIXES);
    }

    private static String filled(String template, Random random, Map<String, Long> expected) {
        return SLOT.matcher(template).replaceAll(slot -> {
            String name = slot.group(1);
            if (name.equals("n")) {
                return "" + random.nextInt(10_000_000);
            }
            if (name.equals("gpu")) {
                long gpu = random.nextInt(16);
                expected.put("device_index", gpu);
                return "" + gpu;
            }
            String printed = printed(slot.group(2), (long) Math.pow(2, random.nextDouble() * 46));
            Matcher parts = Pattern.compile("([\\d.]+)\\s*([A-Za-z]+)").matcher(printed);
            boolean unit = parts.matches();
            expected.put(
                    name,
                    unit ? Size.of(parts.group(1), parts.group(2)).orElseThrow().bytes() : Long.parseLong(printed));
            return printed;
        });
    }

    private static String printed(String kind, long bytes) {
        return switch (kind) {
            case "#" -> "" + bytes;
            case "$" -> bytes / 1024 + "KB";
            case "!" -> (bytes >> 30) + "GB";
            case "%" -> numpy(bytes);
            case "&" -> Bytes.format(bytes).replace("iB", "B");
            default -> Bytes.format(bytes);
        };
    }

    /** NumPy prints three digits, and a point behind hundreds: {@code 1.61 GiB}, {@code 58.0 GiB}, {@code 117. GiB}. */
    private static String numpy(long bytes) {
        String[] printed = Bytes.format(Math.max(bytes, 2048)).split(" ");
        double value = Double.parseDouble(printed[0]);
        String digits = value >= 100
                ? "%.0f.".formatted(value)
                : String.format(Locale.ROOT, value >= 10 ? "%.1f" : "%.2f", value);
        return digits + " " + printed[1];
    }

    private static String mangled(String text, String prefix, int width, boolean coloured) {
        StringBuilder out = new StringBuilder();
        for (String line : text.split("\n")) {
            out.append(out.isEmpty() ? "" : "\n").append(wrapped(line, width, prefix));
        }
        return coloured
                ? "\u001b[31m" + out.toString().replace(" ", "\u001b[0m \u001b[31m") + "\u001b[0m"
                : out.toString();
    }

    /** Breaks at blanks, with the logger's prefix on every line. */
    private static String wrapped(String line, int width, String prefix) {
        StringBuilder out = new StringBuilder(prefix);
        int column = 0;
        for (String word : line.split(" ")) {
            if (column > 0 && column + word.length() > width) {
                out.append('\n').append(prefix);
                column = 0;
            }
            out.append(column == 0 ? "" : " ").append(word);
            column += word.length() + 1;
        }
        return out.toString();
    }
}
