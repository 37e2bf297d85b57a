package io.headroom.oom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A real message with what a person says it states and why it came: the sample in the resources, or all beside the checkout. */
public record Labelled(
        String id, String backend, String message, Map<String, Long> fields, String cause, String evidence) {
    private static final Path ALL = Path.of("..", "shared", "data", "oom-messages.jsonl");

    /** The sample that travels with the tests. */
    public static List<Labelled> sample() {
        return resource("messages.jsonl");
    }

    /** Messages of further threads, collected to see what the rules missed: the rules were written after reading them. */
    public static List<Labelled> threads() {
        return resource("threads.jsonl");
    }

    private static List<Labelled> resource(String name) {
        try (InputStream in = Labelled.class.getResourceAsStream(name)) {
            return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every message at hand: the full set where it is beside the checkout, else the sample. */
    public static List<Labelled> all() {
        try {
            return Files.exists(ALL) ? parse(Files.readString(ALL)) : sample();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether the label rests on what the thread told, not on the message alone. */
    public boolean isFromThread() {
        return !evidence.startsWith("message");
    }

    private static List<Labelled> parse(String lines) throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<Labelled> all = new ArrayList<>();
        for (String line : lines.split("\n")) {
            if (line.isBlank()) {
                continue;
            }
            JsonNode row = json.readTree(line);
            Map<String, Long> fields = new TreeMap<>();
            row.get("fields")
                    .properties()
                    .forEach(
                            entry -> fields.put(entry.getKey(), entry.getValue().asLong()));
            all.add(new Labelled(
                    row.get("id").asText(),
                    row.get("backend").asText(),
                    row.get("message").asText(),
                    fields,
                    row.get("cause").asText(),
                    row.get("cause_evidence").asText()));
        }
        return all;
    }
}
