package io.headroom.memory;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
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

    private OperatorProfile() {}

    static OperatorProfile start() {
        if (!RUNNING.compareAndSet(false, true)) {
            throw new IllegalStateException("Operators are already being recorded by another watch, and the engine's"
                    + " profiler knows only one stretch: stop that one first, or watch without operators.");
        }
        try {
            Engine.getEngine("PyTorch");
            JniUtils.startProfile(false, true, true);
            return new OperatorProfile();
        } catch (RuntimeException | LinkageError e) {
            RUNNING.set(false);
            throw e;
        }
    }

    List<OperatorMemory> stop() {
        try {
            Path file = Files.createTempFile("headroom-profile", ".json");
            try {
                JniUtils.stopProfile(file.toString());
                try (MappingIterator<JsonNode> events = EVENTS.readValues(file.toFile())) {
                    return sum(events);
                }
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            RUNNING.set(false);
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
