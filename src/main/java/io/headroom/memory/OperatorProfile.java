package io.headroom.memory;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.JniUtils;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** The engine's profiler over a stretch: one at a time, started and stopped on the thread that runs the operators. */
final class OperatorProfile {
    private static final AtomicBoolean RUNNING = new AtomicBoolean();

    private static final ObjectReader EVENTS = new ObjectMapper().readerFor(JsonNode.class);

    private final Path file;

    private OperatorProfile(Path file) {
        this.file = file;
    }

    static OperatorProfile start(Path directory) {
        if (!RUNNING.compareAndSet(false, true)) {
            throw new IllegalStateException("Operators are already being recorded by another watch, and the engine's"
                    + " profiler knows only one stretch: stop that one first, or watch without operators.");
        }
        Path file = null;
        try {
            Engine.getEngine("PyTorch");
            file = file(directory);
            JniUtils.startProfile(false, true, true);
            return new OperatorProfile(file);
        } catch (RuntimeException | LinkageError e) {
            delete(file);
            RUNNING.set(false);
            throw e;
        }
    }

    private static Path file(Path directory) {
        try {
            return Files.createTempFile(directory, "headroom-profile", ".json");
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "Operators cannot be recorded: the profiler's file cannot be made in java.io.tmpdir = " + directory
                            + ". Start the kernel with -Djava.io.tmpdir=… at a directory that can be written, or watch"
                            + " without operators.",
                    e);
        }
    }

    /** The operators, largest first; however it ends, the engine records no more. */
    List<OperatorMemory> stop() throws IOException {
        try {
            write();
            try (MappingIterator<JsonNode> events = EVENTS.readValues(file.toFile())) {
                return sum(events);
            } catch (JsonProcessingException e) {
                throw new IOException(
                        "the profiler's file, " + Bytes.format(Files.size(file)) + " in " + file.getParent()
                                + ", is not whole: is the disk full?",
                        e);
            }
        } finally {
            delete(file);
            RUNNING.set(false);
            NativeTrim.now(); // the records are freed now, and would be in what the next stretch begins with
        }
    }

    private void write() throws IOException {
        try {
            JniUtils.stopProfile(file.toString());
        } catch (EngineException e) { // a native stack follows the first line of its message
            String said = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            throw new IOException(
                    "the engine could not write its profile into " + file.getParent() + " (" + said + ").", e);
        }
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            file.toFile().deleteOnExit();
        }
    }

    private record Event(String name, String shape, double start, double end, long inclusive, long[] inner) {}

    /** Operators by name and shape, each without the operators it called. */
    static List<OperatorMemory> sum(String json) throws IOException {
        try (MappingIterator<JsonNode> events = EVENTS.readValues(json)) {
            return sum(events);
        }
    }

    /** One event after another: the file of a long training is larger than the heap. */
    private static List<OperatorMemory> sum(MappingIterator<JsonNode> nodes) throws IOException {
        Map<String, List<Event>> threads = new HashMap<>();
        while (nodes.hasNextValue()) {
            JsonNode node = nodes.nextValue();
            double start = node.path("ts").asDouble();
            threads.computeIfAbsent(node.path("tid").asText(), key -> new ArrayList<>())
                    .add(new Event(
                            node.path("name").asText(),
                            shape(node.path("shape")),
                            start,
                            start + node.path("dur").asDouble(),
                            bytes(node.path("cpu mem").asText()),
                            new long[1]));
        }
        Map<String, OperatorMemory> operators = new HashMap<>();
        for (List<Event> events : threads.values()) {
            nest(events);
            for (Event event : events) {
                long own = event.inclusive() - event.inner()[0];
                operators.merge(
                        event.name() + " " + event.shape(),
                        new OperatorMemory(event.name(), event.shape(), 1, own),
                        (a, b) ->
                                new OperatorMemory(a.name(), a.shape(), a.calls() + b.calls(), a.bytes() + b.bytes()));
            }
        }
        return operators.values().stream()
                .sorted(Comparator.comparingLong(OperatorMemory::bytes)
                        .reversed()
                        .thenComparing(OperatorMemory::name)
                        .thenComparing(OperatorMemory::shape))
                .toList();
    }

    /** Adds each event's bytes to the event that was open around it. */
    private static void nest(List<Event> events) {
        events.sort(Comparator.comparingDouble(Event::start)
                .thenComparing(Comparator.comparingDouble(Event::end).reversed()));
        Deque<Event> open = new ArrayDeque<>();
        for (Event event : events) {
            while (!open.isEmpty() && open.peek().end() < event.end()) {
                open.pop();
            }
            if (!open.isEmpty()) {
                open.peek().inner()[0] += event.inclusive();
            }
            open.push(event);
        }
    }

    private static String shape(JsonNode shapes) {
        List<String> parts = new ArrayList<>();
        for (JsonNode shape : shapes) {
            if (shape.size() > 0) {
                parts.add(shape.toString().replace(",", ", "));
            }
        }
        return String.join(" ", parts);
    }

    /** {@code "1.50 Mb"}: 1024s, whatever the letters say. */
    static long bytes(String text) {
        String[] parts = text.strip().split("\\s+");
        if (parts.length != 2) {
            return 0;
        }
        long unit =
                switch (parts[1].toLowerCase(Locale.ROOT)) {
                    case "kb" -> Bytes.KIB;
                    case "mb" -> Bytes.MIB;
                    case "gb" -> Bytes.GIB;
                    default -> 1;
                };
        try {
            return Math.round(Double.parseDouble(parts[0]) * unit);
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
