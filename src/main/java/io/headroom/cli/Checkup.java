package io.headroom.cli;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.util.cuda.CudaUtils;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** What {@code headroom doctor} finds: a report of plain values with snake_case keys, and the problems in sentences. */
record Checkup(Map<String, Object> report, List<String> problems) {
    private static final List<String> PREFIXES = List.of(
            "PYTORCH_",
            "MALLOC_",
            "DJL_",
            "OMP_",
            "MKL_",
            "JJAVA_",
            "IJAVA_",
            "HEADROOM_",
            "JAVA_TOOL_OPTIONS",
            "CUDA_");
    private static final int KERNELS_MINUTES = 5;

    static Checkup run(boolean startKernels, Consumer<String> progress) {
        List<String> problems = new ArrayList<>();
        Map<String, Object> report = new LinkedHashMap<>();
        Properties built = Main.Version.built();
        report.put("headroom", built.getProperty("version"));
        report.put("java", java(problems));
        report.put("system", system());
        progress.accept("Starting the engine …");
        report.put("engine", engine(built, problems));
        report.put("limits", Limits.report());
        report.put("environment", environment());
        progress.accept(startKernels ? "Starting each kernel …" : "Listing the kernels …");
        report.put("kernels", kernels(startKernels, problems));
        report.put("problems", problems);
        return new Checkup(report, problems);
    }

    private static Map<String, Object> java(List<String> problems) {
        Map<String, Object> java = new LinkedHashMap<>();
        java.put("version", System.getProperty("java.version"));
        java.put("vendor", System.getProperty("java.vendor"));
        java.put("home", System.getProperty("java.home"));
        boolean jshell = ModuleLayer.boot().findModule("jdk.jshell").isPresent();
        java.put("jshell", jshell);
        if (!jshell) {
            problems.add("This Java has no JShell: the kernels need a full JDK, version 17 or newer.");
        }
        return java;
    }

    private static Map<String, Object> system() {
        Map<String, Object> system = new LinkedHashMap<>();
        system.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        system.put("arch", System.getProperty("os.arch"));
        system.put("processors", Runtime.getRuntime().availableProcessors());
        return system;
    }

    private static Map<String, Object> engine(Properties built, List<String> problems) {
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("djl", built.getProperty("djl"));
        found.put("libtorch", built.getProperty("libtorch"));
        try (NDManager manager = NDManager.newBaseManager()) {
            Engine engine = Engine.getInstance();
            found.put("name", engine.getEngineName());
            found.put("version", engine.getVersion());
            nativeLibrary().ifPresent(path -> found.put("native_library", path));
            NDArray sum = manager.ones(new ai.djl.ndarray.types.Shape(2, 2)).sum();
            found.put("computes", sum.getFloat() == 4f);
            List<Map<String, Object>> devices = new ArrayList<>();
            devices.add(Map.of("device", "cpu"));
            for (Device device : engine.getDevices()) {
                if (device.isGpu()) {
                    Map<String, Object> gpu = new LinkedHashMap<>();
                    gpu.put("device", device.toString());
                    gpu.put("total_bytes", CudaUtils.getGpuMemory(device).getMax());
                    devices.add(gpu);
                }
            }
            found.put("devices", devices);
        } catch (Throwable failure) { // a missing native library is an Error
            found.put("error", String.valueOf(failure));
            problems.add("The engine does not start: " + failure
                    + ". If its cache is broken, remove the folder pytorch in the DJL cache and run this again.");
        }
        return found;
    }

    private static Optional<String> nativeLibrary() {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(line -> line.contains("libtorch_cpu"))
                    .map(line -> line.substring(line.indexOf('/')))
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Map<String, String> environment() {
        Map<String, String> found = new TreeMap<>();
        System.getenv().forEach((name, value) -> {
            if (PREFIXES.stream().anyMatch(name::startsWith)) {
                found.put(name, value);
            }
        });
        return found;
    }

    private static List<Map<String, Object>> kernels(boolean start, List<String> problems) {
        Optional<Path> python = python();
        if (python.isEmpty()) {
            problems.add("No Jupyter found: kernel/lab sets one up.");
            return List.of();
        }
        try {
            List<Map<String, Object>> kernels = listKernels(python.get(), start);
            for (Map<String, Object> kernel : kernels) {
                if (Boolean.FALSE.equals(kernel.get("starts"))) {
                    problems.add("The kernel " + kernel.get("name") + " does not start: " + kernel.get("error"));
                }
            }
            if (kernels.stream()
                    .noneMatch(kernel -> String.valueOf(kernel.get("name")).startsWith("headroom"))) {
                problems.add("The kernel \"Java (Headroom)\" is not installed: kernel/lab installs it.");
            }
            return kernels;
        } catch (IOException e) {
            problems.add("The kernels could not be listed: " + e.getMessage());
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    private static List<Map<String, Object>> listKernels(Path python, boolean start)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(python.toString(), "-"));
        if (start) {
            command.add("--start");
        }
        File errors = File.createTempFile("headroom-doctor", ".log");
        try {
            Process process = new ProcessBuilder(command).redirectError(errors).start();
            try (InputStream script = Checkup.class.getResourceAsStream("kernels.py");
                    var stdin = process.getOutputStream()) {
                script.transferTo(stdin);
            }
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(KERNELS_MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new IOException(
                        python + " said: " + Files.readString(errors.toPath()).strip());
            }
            if (said.startsWith("{")) {
                throw new IOException(said);
            }
            return new ObjectMapper().readValue(said, new TypeReference<>() {});
        } finally {
            Files.deleteIfExists(errors.toPath());
        }
    }

    /** The environment beside the notebooks, else whatever Jupyter the PATH has. */
    private static Optional<Path> python() {
        Path own = Path.of(System.getProperty("headroom.home", "."), ".venv", "bin", "python");
        if (Files.isExecutable(own)) {
            return Optional.of(own.toAbsolutePath());
        }
        String path = System.getenv().getOrDefault("PATH", "");
        return Stream.of(path.split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .filter(folder -> Files.isExecutable(Path.of(folder, "jupyter")))
                .flatMap(folder -> Stream.of(Path.of(folder, "python3"), Path.of(folder, "python")))
                .filter(Files::isExecutable)
                .findFirst();
    }
}
