package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.units.Bytes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Random numbers in any template, mangled as terminals and loggers do, read back as the same numbers. */
class TemplatesTest {
    private static final String NEW = "GPU {gpu} has a total %s of {total_bytes} of which {free_bytes} is free. %s"
            + "Including non-PyTorch memory, this process has {in_use_bytes} memory in use. %sOf the allocated memory"
            + " {allocated_bytes} is allocated by PyTorch, and {reserved_unallocated_bytes} is reserved by PyTorch but"
            + " unallocated. If reserved but unallocated memory is large try setting %s to avoid fragmentation.  See"
            + " documentation for Memory Management  (%s)";
    private static final String OLD =
            "%s out of memory. Tried to allocate {requested_bytes} (GPU {gpu}; {total_bytes} total"
                    + " capacity; {allocated_bytes} already allocated; {free_bytes} free; %s)%s";
    private static final String CUDA = "%s out of memory. Tried to allocate {requested_bytes}. ";
    private static final String DOCS = "https://pytorch.org/docs/stable/notes/cuda.html#environment-variables";

    /** Backend, then template. */
    private static final List<Map.Entry<String, String>> TEMPLATES = List.of(
            Map.entry("cuda", OLD.formatted("CUDA", "{reserved_unallocated_bytes} cached", "")),
            Map.entry("cuda", OLD.formatted("CUDA", "{reserved_bytes} reserved in total by PyTorch", "")),
            Map.entry(
                    "cuda",
                    OLD.formatted(
                            "CUDA",
                            "{max_allowed_bytes} allowed; {reserved_bytes} reserved in total by PyTorch",
                            " If reserved memory is >> allocated memory try setting max_split_size_mb to avoid fragmentation."
                                    + "  See documentation for Memory Management and PYTORCH_CUDA_ALLOC_CONF")),
            Map.entry("cuda", CUDA.formatted("CUDA") + NEW.formatted("capacty", "", "", "max_split_size_mb", DOCS)),
            Map.entry(
                    "cuda",
                    CUDA.formatted("CUDA")
                            + NEW.formatted(
                                    "capacity",
                                    "Process 4711 has {other_process_bytes} memory in use. ",
                                    "{max_allowed_bytes} allowed; ",
                                    "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",
                                    DOCS)),
            Map.entry(
                    "cuda",
                    CUDA.formatted("CUDA")
                            + NEW.formatted("capacity", "", "", "PYTORCH_ALLOC_CONF=expandable_segments:True", DOCS)),
            Map.entry(
                    "hip",
                    CUDA.formatted("HIP")
                            + NEW.formatted(
                                    "capacity", "", "", "PYTORCH_HIP_ALLOC_CONF=expandable_segments:True", DOCS)),
            Map.entry(
                    "xpu",
                    CUDA.formatted("XPU")
                            + "GPU {gpu} has a total capacity of {total_bytes} of which {free_bytes} is free. Of the"
                            + " allocated memory {allocated_bytes} is allocated by PyTorch, and"
                            + " {reserved_unallocated_bytes} is reserved by PyTorch but unallocated. Please use `empty_cache` to"
                            + " release all unoccupied cached memory."),
            Map.entry(
                    "cuda",
                    "Allocation on device {gpu} would exceed allowed memory. (out of memory)\nCurrently allocated     :"
                            + " {allocated_bytes}\nRequested               : {requested_bytes}\nDevice limit            :"
                            + " {total_bytes}\nFree (according to CUDA): {free_bytes}\nPyTorch limit (set by user-supplied memory"
                            + " fraction)\n                        : {max_allowed_bytes}"),
            Map.entry(
                    "mps",
                    "MPS backend out of memory (MPS allocated: {mps_allocated_bytes}, other allocations: {mps_other_bytes}, max"
                            + " allowed: {max_allowed_bytes}). Tried to allocate {requested_bytes} on private pool. Use"
                            + " PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0 to disable upper limit for memory allocations (may cause"
                            + " system failure)."),
            Map.entry("mps", "RuntimeError: Invalid buffer size: {requested_bytes}"));

    /** What happens to a message on its way. */
    private static final List<UnaryOperator<String>> MANGLINGS = List.of(
            text -> text,
            text -> "torch.OutOfMemoryError: " + text + "\nTraceback follows",
            text -> wrapped(text, 63, ""),
            text -> wrapped(text, 37, "# "),
            text -> wrapped(text, 50, "[rank3]: "),
            text -> wrapped(text, 71, "2024-08-21 22:56:04,123 ERROR "),
            text -> wrapped(text, 44, "worker-1  | "),
            text -> wrapped(text, 80, "> "),
            text -> "\u001b[31m" + text.replace(" ", "\u001b[0m \u001b[31m") + "\u001b[0m",
            text -> text.replaceAll("\\s+", " "),
            text -> text.replace(". ", ".\\n"),
            text -> "**" + text + "**",
            text -> cut(text, 53),
            text -> "{\"level\":\"error\",\"message\":\"" + text.replace("\n", "\\n") + "\"}");

    @Property(tries = 1500)
    void numbersSurviveEveryTemplateAndMangling(
            @ForAll("templates") Map.Entry<String, String> template,
            @ForAll("manglings") UnaryOperator<String> mangling,
            @ForAll long seed) {
        Map<String, Long> expected = new LinkedHashMap<>();
        String message = mangling.apply(filled(template.getValue(), new Random(seed), expected));

        OutOfMemory oom = OutOfMemory.read(message).orElseThrow(() -> new AssertionError(message));

        assertThat(oom.fields()).as(message).containsExactlyInAnyOrderEntriesOf(expected);
        assertThat(oom.backend().label()).isEqualTo(template.getKey());
    }

    @Provide
    Arbitrary<Map.Entry<String, String>> templates() {
        return Arbitraries.of(TEMPLATES);
    }

    @Provide
    Arbitrary<UnaryOperator<String>> manglings() {
        return Arbitraries.of(MANGLINGS);
    }

    private static String filled(String template, Random random, Map<String, Long> expected) {
        String text = template;
        if (text.contains("{gpu}")) {
            int gpu = random.nextInt(16);
            text = text.replace("{gpu}", "" + gpu);
            expected.put("device_index", (long) gpu);
        }
        for (Field field : Field.values()) {
            String slot = "{" + field.label() + "}";
            if (text.contains(slot)) {
                String printed = Bytes.format((long) Math.pow(2, random.nextDouble() * 46));
                String[] parts = printed.split(" ");
                text = text.replace(slot, printed);
                expected.put(
                        field.label(), Size.of(parts[0], parts[1]).orElseThrow().bytes());
            }
        }
        return text;
    }

    /** Breaks at blanks, with a prefix on every line, as loggers do. */
    private static String wrapped(String text, int width, String prefix) {
        StringBuilder out = new StringBuilder(prefix);
        int column = 0;
        for (String word : text.split("\\s+")) {
            if (column > 0 && column + word.length() > width) {
                out.append('\n').append(prefix);
                column = 0;
            }
            out.append(column == 0 ? "" : " ").append(word);
            column += word.length() + 1;
        }
        return out.toString();
    }

    /** Breaks anywhere, as terminals do. */
    private static String cut(String text, int width) {
        return text.replaceAll("\n", " ").replaceAll("(.{" + width + "})", "$1\n");
    }
}
