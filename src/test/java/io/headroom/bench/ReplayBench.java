package io.headroom.bench;

import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.CachingAllocator;
import io.headroom.trace.Snapshot;
import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;

/**
 * Measures the replay in events a second of one core, and the snapshot reader against CPython's {@code pickle.load} in turn;
 * prints the tables of {@code docs/replay.md}.
 *
 * <p>Arguments: none for everything (5 GiB of memory, 2 GiB of disk, 5 minutes), {@code replay} for the replay alone, {@code
 * FILE…} for the reader with pickles of your own. Python's side runs on the {@code python3} of the path. Events a second
 * are those of the replaying thread's processor time, the best of five rounds; of each reader the best of three turns.
 */
public final class ReplayBench {
    private static final int ROUNDS = 5;
    private static final int TURNS = 3;
    private static final String PYTHON =
            """
            import pickle, sys, time
            def peak():
                with open('/proc/self/status') as f: return next(int(l.split()[1]) * 1024 for l in f if l.startswith('VmHWM'))
            before = peak()
            t = time.perf_counter()
            with open(sys.argv[1], 'rb') as f: snapshot = pickle.load(f)
            t = time.perf_counter() - t
            print(t, before, peak())
            """;

    /** Seconds, and the process's peak resident set before and after. */
    private record Run(double seconds, long before, long after) {
        static Run of(String... command) throws IOException, InterruptedException {
            String[] figures = output(command).split(" ");
            return new Run(
                    Double.parseDouble(figures[0]), Long.parseLong(figures[1]), Long.parseLong(figures[2].strip()));
        }

        long grown() {
            return after - before;
        }

        /** Of two runs the better figure each. */
        Run best(Run other) {
            return other == null
                    ? this
                    : new Run(
                            Math.min(seconds, other.seconds),
                            Math.max(before, other.before),
                            Math.min(after, other.after));
        }
    }

    private ReplayBench() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length == 2 && args[0].equals("read")) {
            read(Path.of(args[1]));
            return;
        }
        System.out.println(Runtime.getRuntime().availableProcessors() + " cores, Java "
                + System.getProperty("java.version") + ", " + output("python3", "--version"));
        System.out.println("| what | goal | measured | |\n|---|---|---|---|");
        if (args.length == 0 || args[0].equals("replay")) {
            replay();
        }
        if (args.length == 0) {
            Path directory = Files.createTempDirectory("snapshots");
            for (int megabytes : new int[] {100, 1000}) {
                Path file = directory.resolve(megabytes + "-MB.pickle");
                String script = resource("/snapshots/make_snapshots.py");
                output("python3", script, "--large", String.valueOf(megabytes), file.toString());
                compare(file);
                Files.delete(file);
            }
            Files.delete(directory);
        } else if (!args[0].equals("replay")) {
            for (String file : args) {
                compare(Path.of(file));
            }
        }
    }

    private static void replay() {
        Trace training = training(50_000, 24);
        for (String conf :
                new String[] {"", "expandable_segments:True", "max_split_size_mb:128", "roundup_power2_divisions:8"}) {
            replay("training", training, AllocatorSettings.parse(conf));
        }
        Trace crowded = crowded(3_000_000, 5_000);
        for (String conf : new String[] {"", "expandable_segments:True"}) {
            replay("5000 random blocks live", crowded, AllocatorSettings.parse(conf));
        }
    }

    private static void replay(String name, Trace trace, AllocatorSettings settings) {
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long start = cpu();
            CachingAllocator.replay(trace, settings, CachingAllocator.UNLIMITED);
            best = Math.max(best, trace.events() / ((cpu() - start) / 1e9));
        }
        Goal.print(
                String.format(Locale.ROOT, "%s, %.1f M events, `%s`", name, trace.events() / 1e6, settings),
                ">= 5 M events/s",
                String.format(Locale.ROOT, "%.1f M", best / 1e6),
                best >= 5e6);
    }

    private static long cpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** Steps of a training run with inputs of changing length. */
    private static Trace training(int steps, int layers) {
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

    /** Random sizes, a random one of many live blocks freed before each allocation: long free lists, deep holes. */
    private static Trace crowded(int allocations, int live) {
        Random random = new Random(2);
        Trace.Builder trace = Trace.builder();
        int[] ids = new int[live];
        for (int i = 0; i < allocations; i++) {
            int slot = i < live ? i : random.nextInt(live);
            if (i >= live) {
                trace.free(ids[slot]);
            }
            ids[slot] = trace.alloc((long) (512 * Math.pow(2, 14 * random.nextDouble())), "tensor");
        }
        return trace.build();
    }

    private static void read(Path file) throws IOException {
        long before = peakResident();
        long start = System.nanoTime();
        Snapshot snapshot = Snapshot.read(file);
        double seconds = (System.nanoTime() - start) / 1e9;
        if (snapshot.devices().isEmpty()) {
            throw new IllegalStateException(file + " holds nothing");
        }
        System.out.println(seconds + " " + before + " " + peakResident());
    }

    private static long peakResident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * Bytes.KIB;
            }
        }
        throw new IOException("/proc/self/status has no VmHWM: this measures on Linux only");
    }

    private static void compare(Path file) throws IOException, InterruptedException {
        Path script = Files.createTempFile("load", ".py");
        Files.writeString(script, PYTHON);
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String heap = "-Xmx" + Math.max(24, (Files.size(file) * 28 / 100 >> 20) + 1) + "m";
        Run theirs = null;
        Run ours = null;
        for (int turn = 0; turn < TURNS; turn++) {
            theirs = Run.of("python3", script.toString(), file.toString()).best(theirs);
            ours = Run.of(
                            java,
                            "-XX:+UseSerialGC",
                            heap,
                            "-cp",
                            System.getProperty("java.class.path"),
                            ReplayBench.class.getName(),
                            "read",
                            file.toString())
                    .best(ours);
        }
        Files.delete(script);
        String name = "pickle of " + Bytes.format(Files.size(file)) + ", ";
        Goal.print(
                name + "time to read",
                String.format(Locale.ROOT, "< %.2f s of `pickle.load`", theirs.seconds),
                String.format(Locale.ROOT, "%.2f s (ratio %.2f)", ours.seconds, ours.seconds / theirs.seconds),
                ours.seconds < theirs.seconds);
        memory(name + "process at its peak, `" + heap + "`", theirs.after, ours.after);
        memory(name + "what reading adds to the process", theirs.grown(), ours.grown());
    }

    private static void memory(String what, long theirs, long ours) {
        Goal.print(
                what,
                "<= 1/4 of " + Bytes.format(theirs),
                Bytes.format(ours) + String.format(Locale.ROOT, " (ratio %.2f)", (double) ours / theirs),
                ours <= theirs / 4);
    }

    private static String resource(String name) {
        return Path.of(ReplayBench.class.getResource(name).getPath()).toString();
    }

    private static String output(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + out);
        }
        return out;
    }
}
