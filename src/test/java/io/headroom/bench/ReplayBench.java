package io.headroom.bench;

import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.allocator.Footprint;
import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;

/**
 * Measures the replay in events a second, and the snapshot reader against CPython's {@code pickle.load} in turn.
 *
 * <p>Arguments: none for the replay; {@code read FILE} reads a snapshot once and prints seconds and peak memory;
 * {@code FILE…} compares the reader with Python on each file, three times in turn.
 */
public final class ReplayBench {
    private static final String PYTHON =
            """
            import pickle, resource, sys, time, gc
            gc.disable() if len(sys.argv) > 2 else None
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            t = time.perf_counter()
            with open(sys.argv[1], 'rb') as f: snapshot = pickle.load(f)
            t = time.perf_counter() - t
            print(t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
            """;

    private ReplayBench() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length == 0) {
            replay();
        } else if (args[0].equals("read")) {
            read(Path.of(args[1]));
        } else {
            for (String file : args) {
                compare(Path.of(file));
            }
        }
    }

    private static void replay() {
        Trace trace = training(50_000, 24);
        System.out.println("trace: " + trace);
        for (String conf :
                new String[] {"", "expandable_segments:True", "max_split_size_mb:128", "roundup_power2_divisions:8"}) {
            AllocatorSettings settings = AllocatorSettings.parse(conf);
            double best = 0;
            Footprint footprint = null;
            for (int round = 0; round < 5; round++) {
                long cpu = cpu();
                footprint = CachingAllocator.replay(trace, settings, CachingAllocator.UNLIMITED);
                best = Math.max(best, trace.events() / ((cpu() - cpu) / 1e9));
            }
            System.out.printf(
                    Locale.ROOT,
                    "%-28s %6.2f M events/s   peak reserved %s%n",
                    settings,
                    best / 1e6,
                    Bytes.format(footprint.peakReserved().bytes()));
        }
    }

    private static long cpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** Steps of a training run with inputs of changing length. */
    static Trace training(int steps, int layers) {
        Random random = new Random(1);
        Trace.Builder trace = Trace.builder();
        int[] kept = new int[layers];
        for (int layer = 0; layer < layers; layer++) {
            trace.alloc(7_000_000L + layer, "weights");
        }
        for (int step = 0; step < steps; step++) {
            long rows = 100 + random.nextInt(4000);
            for (int layer = 0; layer < layers; layer++) {
                kept[layer] = trace.alloc(rows * 3072, "linear");
                trace.free(trace.alloc(rows * 96 + layer, "dropout mask"));
            }
            for (int layer = layers - 1; layer >= 0; layer--) {
                int gradient = trace.alloc(rows * 3072, "linear backward");
                trace.free(kept[layer]);
                trace.free(trace.alloc(3072 + layer, "bias gradient"));
                trace.free(gradient);
            }
        }
        return trace.build();
    }

    private static void read(Path file) throws IOException {
        long start = System.nanoTime();
        Snapshot snapshot = Snapshot.read(file);
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.println(seconds + " " + peakResident() + " " + snapshot);
    }

    private static long peakResident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * Bytes.KIB;
            }
        }
        return -1;
    }

    private static void compare(Path file) throws IOException, InterruptedException {
        Path script = Files.createTempFile("load", ".py");
        Files.writeString(script, PYTHON);
        double ours = Double.MAX_VALUE;
        double theirs = Double.MAX_VALUE;
        long ourBytes = Long.MAX_VALUE;
        long theirBytes = Long.MAX_VALUE;
        for (int round = 0; round < 3; round++) {
            String[] python = run("python3", script.toString(), file.toString());
            theirs = Math.min(theirs, Double.parseDouble(python[0]));
            theirBytes = Math.min(theirBytes, Long.parseLong(python[1]));
            String[] java = run(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:+UseSerialGC",
                    "-Xmx" + Math.max(128, Files.size(file) * 3 / 4 >> 20) + "m",
                    "-cp",
                    System.getProperty("java.class.path"),
                    ReplayBench.class.getName(),
                    "read",
                    file.toString());
            ours = Math.min(ours, Double.parseDouble(java[0]));
            ourBytes = Math.min(ourBytes, Long.parseLong(java[1]));
        }
        Files.delete(script);
        System.out.printf(
                Locale.ROOT,
                "%s (%s): CPython %.2f s, %s; here %.2f s, %s (JVM included); time ×%.2f, memory ×%.2f%n",
                file.getFileName(),
                Bytes.format(Files.size(file)),
                theirs,
                Bytes.format(theirBytes),
                ours,
                Bytes.format(ourBytes),
                ours / theirs,
                (double) ourBytes / theirBytes);
    }

    private static String[] run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + out);
        }
        return out.strip().split(" ", 3);
    }
}
