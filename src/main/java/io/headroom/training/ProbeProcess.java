package io.headroom.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.training.Probe.Step;
import io.headroom.workload.Workload;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The JVM in which a {@link Probe} measures a model of sizes: its steps come back as lines on its output. */
final class ProbeProcess {
    private static final String STEP = "step\t";
    private static final String STAGE = "stage\t";
    private static final String FAILED = "failed\t";
    private static final Map<String, String> MALLOC =
            Map.of("MALLOC_MMAP_THRESHOLD_", "65536", "MALLOC_TRIM_THRESHOLD_", "65536");

    private ProbeProcess() {}

    /** Runs in the other JVM: the workload as a spec, the room in bytes. */
    public static void main(String[] arguments) throws JsonProcessingException {
        Map<String, Object> spec = new ObjectMapper().readValue(arguments[0], new TypeReference<>() {});
        try {
            List<Step> steps = new ProbeSteps(
                            Workload.of(spec), Long.parseLong(arguments[1]), stage -> System.out.println(STAGE + stage))
                    .run();
            steps.forEach(step -> System.out.println(STEP + step.sequences() + "\t" + step.seq() + "\t"
                    + step.idleBytes() + "\t" + step.passBytes() + "\t" + step.updateBytes()));
        } catch (IllegalArgumentException | IllegalStateException e) {
            System.out.println(FAILED + String.valueOf(e.getMessage()).replaceAll("\\s+", " "));
        }
    }

    static List<Step> run(Workload workload, long room, Consumer<String> progress) {
        progress.accept("starting a JVM");
        Process process = start(workload, room);
        List<Step> steps = new ArrayList<>();
        List<String> said = new ArrayList<>();
        BlockingQueue<Optional<String>> lines = new LinkedBlockingQueue<>();
        Thread reader = new Thread(() -> read(process, lines), "headroom-probe");
        reader.setDaemon(true);
        reader.start();
        try {
            for (String line = next(lines); line != null; line = next(lines)) {
                if (line.startsWith(STAGE)) {
                    progress.accept(line.substring(STAGE.length()));
                } else if (line.startsWith(STEP)) {
                    steps.add(step(line.split("\t")));
                } else if (line.startsWith(FAILED)) {
                    throw new IllegalStateException(line.substring(FAILED.length()));
                } else {
                    said.add(line);
                }
            }
            process.waitFor(1, TimeUnit.MINUTES);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while the probe ran: its JVM was ended");
        } finally {
            process.destroyForcibly();
        }
        if (steps.size() < 3) {
            throw new IllegalStateException("the JVM of the probe ended early (exit " + process.exitValue() + "): "
                    + String.join(" ", said.subList(Math.max(0, said.size() - 5), said.size())));
        }
        return steps;
    }

    /** A pipe cannot be waited for and an interrupt heard at the same time, a queue can. */
    private static void read(Process process, BlockingQueue<Optional<String>> lines) {
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                lines.add(Optional.of(line));
            }
        } catch (IOException | UncheckedIOException closed) {
            // the process was ended
        } finally {
            lines.add(Optional.empty());
        }
    }

    private static String next(BlockingQueue<Optional<String>> lines) throws InterruptedException {
        return lines.take().orElse(null);
    }

    private static Step step(String[] cells) {
        return new Step(
                Long.parseLong(cells[1]),
                Long.parseLong(cells[2]),
                Long.parseLong(cells[3]),
                Long.parseLong(cells[4]),
                Long.parseLong(cells[5]));
    }

    private static Process start(Workload workload, long room) {
        Map<String, Object> spec = new LinkedHashMap<>(workload.toMap());
        spec.put("model", workload.architecture().name().toLowerCase(Locale.ROOT));
        try {
            ProcessBuilder builder = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xms256m",
                            "-Xmx256m",
                            "-XX:+UseSerialGC",
                            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                            "-cp",
                            classPath(),
                            ProbeProcess.class.getName(),
                            new ObjectMapper().writeValueAsString(spec),
                            Long.toString(room))
                    .redirectErrorStream(true);
            builder.environment().putAll(MALLOC);
            return builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException("The JVM of the probe does not start: " + e.getMessage(), e);
        }
    }

    /** Everything that this JVM may load from: a notebook's kernel has its jars in class loaders, not on its class path. */
    private static String classPath() {
        Set<String> places = new LinkedHashSet<>();
        for (ClassLoader loader : new ClassLoader[] {
            ProbeProcess.class.getClassLoader(), Thread.currentThread().getContextClassLoader()
        }) {
            for (ClassLoader at = loader; at != null; at = at.getParent()) {
                if (at instanceof URLClassLoader jars) {
                    for (URL url : jars.getURLs()) {
                        add(places, url);
                    }
                }
            }
        }
        add(places, ProbeProcess.class.getProtectionDomain().getCodeSource().getLocation());
        String tests = System.getProperty("surefire.test.class.path");
        places.addAll(
                List.of((tests == null ? System.getProperty("java.class.path") : tests).split(File.pathSeparator)));
        return String.join(File.pathSeparator, places);
    }

    private static void add(Set<String> places, URL url) {
        try {
            if (url.getProtocol().equals("file")) {
                places.add(Path.of(url.toURI()).toString());
            }
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e); // an URL that a class loader gave
        }
    }
}
