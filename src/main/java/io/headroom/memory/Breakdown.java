package io.headroom.memory;

import com.sun.jna.Platform;
import io.headroom.units.Bytes;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * The resident set mapping by mapping, summed by kind: exact, and it adds up to the resident set.
 *
 * <p>Takes some milliseconds, since the kernel walks every page table: for a table on request, not for a monitor. Linux
 * only. Source: {@code /proc/self/smaps}; the heap's address range from HotSpot's {@code GC.heap_info}.
 *
 * <pre>{@code
 * Breakdown.now().ifPresent(parts -> System.out.println(parts.javaHeap()));
 * }</pre>
 *
 * @param reading taken beside it: what malloc, the JVM and the threads say of the part without a file
 * @param javaHeap the Java heap; absent where HotSpot does not tell its addresses (it is in {@code anonymous} then)
 * @param libraries code and data of shared libraries
 * @param files other mapped files: jars, the JVM's class archive, mapped weights
 * @param stacks the main thread's stack
 * @param shared shared memory
 * @param anonymous everything else without a file: malloc and its arenas, metaspace, compiled code, thread stacks
 * @param largestLibraries the ten largest libraries
 */
public record Breakdown(
        Reading reading,
        OptionalLong javaHeap,
        long libraries,
        long files,
        long stacks,
        long shared,
        long anonymous,
        List<Library> largestLibraries) {

    /** One shared library's resident bytes. */
    public record Library(String name, long resident) {}

    private static final int LARGEST = 10;
    private static final Pattern MAPPING =
            Pattern.compile("([0-9a-f]+)-([0-9a-f]+) [-rwxps]{4} [0-9a-f]+ \\S+ [0-9]+ *(.*)");
    private static final Pattern RANGE = Pattern.compile("\\[0x([0-9a-f]+), 0x([0-9a-f]+)(?:, 0x([0-9a-f]+))?\\)");

    public Breakdown {
        largestLibraries = List.copyOf(largestLibraries);
    }

    /** The resident set as these parts sum to it. */
    public long total() {
        return javaHeap.orElse(0) + libraries + files + stacks + shared + anonymous;
    }

    /** Adds up the mappings now; empty where they cannot be read. */
    public static Optional<Breakdown> now() {
        if (!Platform.isLinux()) {
            return Optional.empty();
        }
        String smaps = ProcFs.read(Path.of("/proc/self/smaps"));
        return smaps.isEmpty() ? Optional.empty() : Optional.of(of(Reading.now(), smaps, heapRanges()));
    }

    private record Range(long from, long to) {
        boolean holds(long address) {
            return Long.compareUnsigned(address, from) >= 0 && Long.compareUnsigned(address, to) < 0;
        }
    }

    static Breakdown of(Reading reading, String smaps, String heapInfo) {
        List<Range> heap = ranges(heapInfo);
        long[] sums = new long[6];
        Map<String, Long> libraries = new HashMap<>();
        int kind = 5;
        String name = "";
        for (String line : smaps.split("\n")) {
            if (line.startsWith("Rss:")) {
                long bytes = Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                sums[kind] += bytes;
                if (kind == 1) {
                    libraries.merge(name.substring(name.lastIndexOf('/') + 1), bytes, Long::sum);
                }
                continue;
            }
            Matcher mapping = MAPPING.matcher(line);
            if (mapping.matches()) {
                long from = Long.parseUnsignedLong(mapping.group(1), 16);
                name = mapping.group(3);
                kind = heap.stream().anyMatch(range -> range.holds(from)) ? 0 : kind(name);
            }
        }
        List<Library> largest = new ArrayList<>();
        libraries.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
                .limit(LARGEST)
                .forEach(entry -> largest.add(new Library(entry.getKey(), entry.getValue())));
        return new Breakdown(
                reading,
                heap.isEmpty() ? OptionalLong.empty() : OptionalLong.of(sums[0]),
                sums[1],
                sums[2],
                sums[3],
                sums[4],
                sums[5],
                largest);
    }

    private static int kind(String name) {
        if (name.startsWith("/dev/shm") || name.startsWith("/memfd") || name.startsWith("/SYSV")) {
            return 4;
        }
        if (name.startsWith("/")) {
            return name.matches(".*\\.so[.0-9]*( \\(deleted\\))?") ? 1 : 2;
        }
        return name.equals("[stack]") ? 3 : 5;
    }

    private static List<Range> ranges(String heapInfo) {
        List<Range> ranges = new ArrayList<>();
        for (String line : heapInfo.split("\n")) {
            Matcher range = RANGE.matcher(line);
            boolean heap = !line.contains("space") || line.contains("object space");
            if (heap && range.find()) {
                String end = range.group(3) == null ? range.group(2) : range.group(3);
                ranges.add(new Range(Long.parseUnsignedLong(range.group(1), 16), Long.parseUnsignedLong(end, 16)));
            }
        }
        return ranges;
    }

    private static String heapRanges() {
        try {
            Object info = ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                            new ObjectName("com.sun.management:type=DiagnosticCommand"),
                            "gcHeapInfo",
                            new Object[] {null},
                            new String[] {String[].class.getName()});
            return String.valueOf(info);
        } catch (JMException | RuntimeException e) {
            return "";
        }
    }

    /** A line: {@code resident 420.11 MiB: Java heap 60.20 MiB, libraries 101.00 MiB, …}. */
    @Override
    public String toString() {
        return "resident " + Bytes.format(total()) + ": "
                + (javaHeap.isPresent() ? "Java heap " + Bytes.format(javaHeap.getAsLong()) + ", " : "")
                + "libraries " + Bytes.format(libraries) + ", other files " + Bytes.format(files)
                + ", without a file " + Bytes.format(anonymous);
    }
}
