package io.headroom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.budget.cuda.CudaFit;
import io.headroom.budget.cuda.CudaStep;
import io.headroom.units.Bytes;
import io.headroom.workload.preset.Preset;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** {@code headroom budget} answers for published models, one or many in a file. */
class PresetBudgetTest {
    private static final String GPT2 =
            "{\"preset\": \"openai-community/gpt2\", \"optimizer\": \"AdamW\", \"batch\": 35, \"seq\": 128, \"device\": \"cuda\"}";

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void answersOne() throws IOException {
        assertThat(run(GPT2, "--json")).isZero();

        JsonNode figures = new ObjectMapper().readTree(out.toString());
        assertThat(figures.get("parameters").asLong()).isEqualTo(124_439_808);
        assertThat(figures.get("device_bytes").asLong()).isBetween(11_300_000_000L, 11_600_000_000L);
        long parts = figures.get("weights_bytes").asLong()
                + figures.get("gradients_at_peak_bytes").asLong()
                + figures.get("optimizer_at_peak_bytes").asLong()
                + figures.get("activations_at_peak_bytes").asLong();
        assertThat(parts)
                .isLessThanOrEqualTo(figures.get("peak_allocated_bytes").asLong());
        assertThat(figures.get("optimizer_bytes").asLong()).isEqualTo(2 * 4 * 124_439_808L);
    }

    /** Adapters beside a preset: as many trained parameters as PEFT prints, and 8-bit states of them alone. */
    @Test
    void answersLoraWithEightBitAdam() throws IOException {
        String spec = "{\"preset\": \"gpt2\", \"batch\": 8, \"lora_rank\": 8, \"optimizer\": \"adam8bit\"}";

        assertThat(run(spec, "--json")).isZero();
        JsonNode figures = new ObjectMapper().readTree(out.toString());
        assertThat(figures.get("trainable_parameters").asLong()).isEqualTo(294_912);
        assertThat(figures.get("parameters").asLong()).isEqualTo(124_734_720);
        assertThat(figures.get("gradients_bytes").asLong()).isEqualTo(4 * 294_912);
        assertThat(figures.get("optimizer_bytes").asLong()).isBetween(2 * 294_912L, 3 * 294_912L);
        out.getBuffer().setLength(0);
        assertThat(run(spec)).isZero();
        assertThat(out.toString()).contains("124734720 parameters, 294912 trained");
    }

    /** 12 layers of keys and values, 768 wide, at the last token that is passed through the model. */
    @Test
    void answersWhatGeneratedTokensKeep() throws IOException {
        String spec = "{\"preset\": \"gpt2\", \"batch\": 4, \"seq\": 100, \"new_tokens\": 101, \"inference\": true}";

        assertThat(run(spec, "--json")).isZero();
        JsonNode figures = new ObjectMapper().readTree(out.toString());
        assertThat(figures.get("kv_cache_bytes").asLong()).isEqualTo(2L * 12 * 768 * 4 * 4 * 200);
        assertThat(figures.get("peak_phase").asText()).matches("(prompt|tokens) of step 1");
        out.getBuffer().setLength(0);
        assertThat(run(spec)).isZero();
        assertThat(out.toString()).contains("KV cache");
    }

    /** As for a spec of sizes: at their highest, whichever phase the peak falls in. */
    @Test
    void eachKindIsToldAtItsHighest() throws IOException {
        for (String sizes : List.of(
                "\"batch\": 64, \"seq\": 512",
                "\"batch\": 1",
                "\"batch\": 64, \"seq\": 512, \"zero_grad\": \"start\"")) {
            out.getBuffer().setLength(0);
            assertThat(run("{\"preset\": \"gpt2\", " + sizes + "}", "--json")).isZero();

            JsonNode figures = new ObjectMapper().readTree(out.toString());
            assertThat(figures.get("gradients_bytes").asLong()).isEqualTo(4 * 124_439_808L);
            assertThat(figures.get("optimizer_bytes").asLong()).isEqualTo(2 * 4 * 124_439_808L);
            for (String kind : List.of("gradients", "optimizer", "activations")) {
                assertThat(figures.get(kind + "_bytes").asLong())
                        .isGreaterThanOrEqualTo(
                                figures.get(kind + "_at_peak_bytes").asLong());
            }
        }
    }

    /** The forward pass alone; keys of training say nothing about it. */
    @Test
    void answersForInference() throws IOException {
        assertThat(run(
                        "{\"preset\": \"gpt2\", \"inference\": true, \"batch\": 4, \"optimizer\": \"sgd\", \"zero_grad\": \"start\","
                                + " \"accumulation\": 8, \"checkpointing\": true, \"keep_outputs\": false}",
                        "--json"))
                .isZero();

        JsonNode figures = new ObjectMapper().readTree(out.toString());
        assertThat(figures.get("not_used").toString())
                .isEqualTo("[\"optimizer\",\"zero_grad\",\"accumulation\",\"checkpointing\"]");
        assertThat(figures.get("gradients_bytes").asLong()).isZero();
        assertThat(figures.get("optimizer_bytes").asLong()).isZero();
        assertThat(figures.get("activations_bytes").asLong()).isGreaterThan(4L * 128 * 50257 * 4);
        assertThat(figures.get("peak_phase").asText()).isEqualTo("forward of step 1");

        assertThat(run("{\"preset\": \"gpt2\", \"inference\": true, \"optimizer\": \"sgd\"}"))
                .isZero();
        assertThat(out.toString()).contains("not used", "optimizer: in inference nothing is trained");
    }

    @Test
    void answersALineForEachOfMany() throws IOException {
        String many = GPT2 + "\n{\"preset\": \"nonsense\"}\n\n"
                + "{\"preset\": \"VGG16\", \"batch\": 8, \"image\": 86, \"optimizer\": \"sgd\"}\n";

        assertThat(run(many, "--json")).isEqualTo(2);

        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(3);
        assertThat(new ObjectMapper().readTree(lines.get(0)).get("preset").asText())
                .isEqualTo("openai-community/gpt2");
        assertThat(lines.get(1)).contains("error", "nonsense");
        assertThat(new ObjectMapper().readTree(lines.get(2)).get("parameters").asLong())
                .isEqualTo(138_357_544);
        assertThat(err.toString()).contains("line 2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{not json}", "{not json", "VGG16", "{\"preset\": \"VGG16\", \"ba", "null", "[1]", "}"})
    void answersTheOthersWhereALineIsBroken(String broken) throws IOException {
        assertThat(run(GPT2 + "\n" + GPT2 + "\n" + broken + "\n" + GPT2, "--json"))
                .isEqualTo(2);

        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(4);
        assertThat(lines.get(2)).contains("error").doesNotContain("parameters");
        assertThat(List.of(lines.get(0), lines.get(1), lines.get(3))).allMatch(line -> line.contains("124439808"));
        assertThat(err.toString()).contains("line 3: ").doesNotContain("line 2", "line 1");
    }

    /** A last line that was cut off, as of a file still being written. */
    @Test
    void answersTheOthersWhereTheLastLineIsCut() throws IOException {
        assertThat(run(GPT2 + "\n{\"preset\": \"gp", "--json")).isEqualTo(2);

        assertThat(out.toString().lines()).hasSize(2);
        assertThat(err.toString()).contains("line 2: not a JSON object").doesNotContain("REDACTED");
    }

    @Test
    void readsOneObjectOverSeveralLines() throws IOException {
        assertThat(run(GPT2.replace(",", ",\n"), "--json")).isZero();
        assertThat(run(GPT2.replace(",", ",\n").replace("35", "35 x"), "--json"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("specs.jsonl, line 3");
    }

    @Test
    void saysInTextWhetherItFits() throws IOException {
        assertThat(run(GPT2, "--limit", "8 GiB")).isZero();
        assertThat(out.toString()).contains("does not fit", "peak reserved");
    }

    private int run(String spec, String... options) throws IOException {
        return runFile(Files.writeString(folder.resolve("specs.jsonl"), spec), options);
    }

    private int runFile(Path file, String... options) {
        CommandLine command = Main.commandLine();
        command.setOut(new PrintWriter(out, true));
        command.setErr(new PrintWriter(err, true));
        String[] all = new String[options.length + 2];
        all[0] = "budget";
        all[1] = file.toString();
        System.arraycopy(options, 0, all, 2, options.length);
        return command.execute(all);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[%s,\n%s,\n{\"preset\": \"nonsense\"}\n]",
                "[\n  %s, %s, {\"preset\": \"nonsense\"}]\n",
                "[%s,%s,7]"
            })
    void answersEachElementOfAnArray(String form) throws IOException {
        assertThat(run(form.formatted(GPT2, GPT2), "--json")).isEqualTo(2);

        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(3);
        assertThat(lines.subList(0, 2)).allMatch(line -> line.contains("124439808"));
        assertThat(lines.get(2)).contains("error");
        assertThat(err.toString())
                .contains("element 3: ")
                .doesNotContain("element 1", "element 2", "line", "java.", "LinkedHashMap");
    }

    @Test
    void saysWhereAnArrayIsBroken() throws IOException {
        assertThat(run("[" + GPT2 + ",\n" + GPT2 + "\n" + GPT2 + "]")).isEqualTo(2);
        assertThat(err.toString()).contains("specs.jsonl, line 3: not a JSON array");
        assertThat(out.toString()).isEmpty();
        assertThat(run("[]")).isEqualTo(2);
        assertThat(err.toString()).contains("an array without one");
        assertThat(run(" \n")).isEqualTo(2);
        assertThat(err.toString()).contains("is empty");
        out.getBuffer().setLength(0);
        assertThat(run("[1]\n" + GPT2, "--json")).isEqualTo(2);
        assertThat(out.toString().lines()).hasSize(2);
    }

    /** PowerShell's {@code >} writes UTF-16, editors of Windows a mark before UTF-8. */
    @Test
    void readsFilesAsShellsAndEditorsWriteThem() throws IOException {
        byte[] marked = ("\uFEFF" + GPT2 + "\r\n").getBytes(StandardCharsets.UTF_16LE);
        assertThat(runFile(Files.write(folder.resolve("shell.json"), marked))).isZero();
        assertThat(runFile(Files.writeString(folder.resolve("editor.json"), "\uFEFF" + GPT2)))
                .isZero();
        assertThat(out.toString().lines().filter(line -> line.contains("124439808")))
                .hasSize(2);
    }

    @Test
    void saysWhyAFileCannotBeRead() throws IOException {
        byte[] latin = "{\"preset\": \"gpt2\", \"optimizer\": \"é\"}".getBytes(StandardCharsets.ISO_8859_1);
        assertThat(runFile(Files.write(folder.resolve("latin.json"), latin))).isEqualTo(2);
        assertThat(err.toString()).contains("latin.json: it is not UTF-8 text");
        assertThat(runFile(folder)).isEqualTo(2);
        assertThat(err.toString()).contains("it is a folder").doesNotContain("Input length");
        assertThat(runFile(folder.resolve("none.json"))).isEqualTo(2);
        assertThat(err.toString()).contains("there is no such file");
    }

    @Test
    void saysWhatChangesNothing() throws IOException {
        String spec =
                "{\"preset\": \"gpt2\", \"batch\": 8, \"accumulation\": 4, \"zero_grad\": \"start\", \"image\": 86}";
        assertThat(run(spec)).isZero();
        assertThat(out.toString())
                .contains("zero_grad: gradients live from one micro-batch to the next", "image: a language");
        out.getBuffer().setLength(0);
        assertThat(run(spec, "--json")).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).get("not_used").toString())
                .isEqualTo("[\"image\",\"zero_grad\"]");
    }

    /** The command and a cell: one verdict on one card, the CUDA context counted. */
    @ParameterizedTest
    @ValueSource(strings = {"14.6 GiB", "11 GiB", "16 GiB", "11.76 GiB", "100 MiB"})
    void saysWhatACellSays(String size) throws IOException {
        long bytes = Bytes.parse(size);
        CudaStep step = CudaStep.of(Preset.named("gpt2")).batch(35).build();
        String said = bytes < CudaFit.CONTEXT_BYTES
                ? "does not fit"
                : CudaFit.of(step, bytes).verdict();

        assertThat(run(GPT2, "--limit", size)).isZero();
        assertThat(out.toString()).contains("limit", Bytes.format(bytes) + ": " + said + " beside the CUDA context");
        out.getBuffer().setLength(0);
        assertThat(run(GPT2, "--limit", size, "--json")).isZero();
        JsonNode figures = new ObjectMapper().readTree(out.toString());
        assertThat(figures.get("verdict").asText()).isEqualTo(said);
        assertThat(figures.get("limit_bytes").asLong()).isEqualTo(bytes);
    }

    /** Of a card and a limit the smaller one counts. */
    @Test
    void takesTheLessOfCardAndLimit() throws IOException {
        String onCard = GPT2.replace("}", ", \"card\": \"A100 40GB\"}");
        assertThat(run(onCard, "--limit", "8 GiB", "--json")).isZero();
        JsonNode figures = new ObjectMapper().readTree(out.toString());
        assertThat(figures.get("verdict").asText()).isEqualTo("does not fit");
        assertThat(figures.get("card_bytes").asLong()).isGreaterThan(39L << 30);
        out.getBuffer().setLength(0);
        assertThat(run(onCard, "--limit", "8 GiB")).isZero();
        assertThat(out.toString()).contains("39.20 GiB: fits beside").contains("8.00 GiB: does not fit");
    }

    @Test
    void saysOfSizesToo() throws IOException {
        assertThat(run("{\"layers\": 2, \"heads\": 8}", "--limit", "1 KiB", "--json"))
                .isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).get("verdict").asText())
                .isEqualTo("does not fit");
    }

    @Test
    void saysWhetherItFitsOnTheCardOfTheSpec() throws IOException {
        assertThat(run("{\"preset\": \"gpt2\", \"batch\": 35, \"card\": \"RTX 3060\"}"))
                .isZero();
        assertThat(out.toString()).contains("11.76 GiB: fits barely");
        out.getBuffer().setLength(0);

        assertThat(run("{\"preset\": \"gpt2\", \"device\": \"A100 40GB\"}", "--json"))
                .isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).get("verdict").asText())
                .isEqualTo("fits");
    }

    /** A line that asks for too much is answered by what to make smaller, and does not end the run. */
    @Test
    void answersTheOthersWhereALineIsTooLarge() throws IOException {
        Path config = Files.writeString(
                folder.resolve("config.json"),
                "{\"model_type\": \"llama\", \"num_hidden_layers\": 126, \"hidden_size\": 16384, \"num_attention_heads\": 128,"
                        + " \"num_key_value_heads\": 8, \"intermediate_size\": 53248, \"vocab_size\": 128256}");
        String large = "{\"config\": \"" + config + "\", \"steps\": 100, \"optimizer\": \"adafactor\"}";

        assertThat(run(GPT2 + "\n" + large + "\n" + large.replace("100", "4"), "--json"))
                .isEqualTo(2);

        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(3);
        assertThat(List.of(lines.get(0), lines.get(2))).allMatch(line -> line.contains("upper_bytes"));
        assertThat(lines.get(1)).contains("steps 100 of ", "126 layers", "Take at most ");
    }

    @Test
    void answersTheOthersWhereTheHeapIsTooSmallForOne() throws Exception {
        Path file = Files.writeString(
                folder.resolve("specs.jsonl"), "{\"preset\": \"Qwen/Qwen3-4B\", \"steps\": 60}\n" + GPT2 + "\n" + GPT2);
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx40m",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "budget",
                        file.toString(),
                        "--json")
                .redirectErrorStream(false)
                .redirectError(folder.resolve("err").toFile())
                .start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();

        assertThat(process.waitFor())
                .as(Files.readString(folder.resolve("err")))
                .isEqualTo(2);
        assertThat(lines).hasSize(3);
        assertThat(lines.get(0)).contains("heap", "HEADROOM_XMX");
        assertThat(lines.subList(1, 3)).allMatch(line -> line.contains("upper_bytes"));
    }

    @Test
    void readsNoFileWithoutEnd() throws IOException {
        assertThat(runFile(Path.of("/dev/zero"))).isEqualTo(2);
        assertThat(err.toString()).contains("/dev/zero", "more than 16.00 MiB");
        assertThat(run(GPT2 + "\n{\"config\": \"/dev/zero\"}", "--json")).isEqualTo(2);
        assertThat(out.toString().lines()).hasSize(2);
        assertThat(err.toString()).contains("line 2: /dev/zero is no regular file");
    }

    @ParameterizedTest
    @ValueSource(strings = {"24", "4090", "0", "GTX 9000", "24 parsecs", ""})
    void refusesALimitThatSaysNoSize(String limit) throws IOException {
        assertThat(run(GPT2, "--limit", limit)).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains(limit);
    }

    /** The same answer as with the card in the spec; a step of sizes has what the context leaves. */
    @Test
    void takesACardByItsNameAsLimit() throws IOException {
        assertThat(run(GPT2, "--limit", "RTX 3060", "--json")).isZero();
        JsonNode limited = new ObjectMapper().readTree(out.toString());
        out.getBuffer().setLength(0);
        assertThat(run(GPT2.replace("\"cuda\"", "\"RTX 3060\""), "--json")).isZero();
        JsonNode onCard = new ObjectMapper().readTree(out.toString());
        out.getBuffer().setLength(0);
        assertThat(run("{\"layers\": 2, \"heads\": 8}", "--limit", "RTX 3060", "--json"))
                .isZero();
        JsonNode sizes = new ObjectMapper().readTree(out.toString());
        out.getBuffer().setLength(0);
        assertThat(run("{\"layers\": 2, \"heads\": 8, \"device\": \"RTX 3060 12GB\"}", "--json"))
                .isZero();
        JsonNode device = new ObjectMapper().readTree(out.toString());

        assertThat(sizes.get("device_bytes")).isEqualTo(device.get("device_bytes"));
        assertThat(limited.get("limit_bytes")).isEqualTo(onCard.get("card_bytes"));
        for (String key : List.of("verdict", "device_bytes", "upper_bytes")) {
            assertThat(limited.get(key)).isEqualTo(onCard.get(key));
        }
        assertThat(sizes.get("limit_bytes").asLong())
                .isEqualTo(onCard.get("card_bytes").asLong() - CudaFit.CONTEXT_BYTES);
    }

    /** One step alone that does not plainly fit is answered with what would make it fit, as a cell is; one of many is not. */
    @Test
    void saysWhatMakesOneFit() throws IOException {
        CudaFit cell =
                CudaFit.of(CudaStep.of(Preset.named("gpt2")).batch(35).seq(128).build(), Bytes.parse("8 GiB"));

        assertThat(run(GPT2, "--limit", "8 GiB")).isZero();
        assertThat(out.toString()).contains(cell.table()).contains(cell.advice());
        out.getBuffer().setLength(0);
        assertThat(run(GPT2, "--limit", "8 GiB", "--json")).isZero();
        JsonNode figures = new ObjectMapper().readTree(out.toString());
        assertThat(figures.get("changes")).hasSameSizeAs(cell.changes());
        assertThat(figures.get("changes").findValuesAsText("change")).contains("8-bit Adam", "LoRA adapters of rank 8");
        assertThat(figures.get("changes").findValuesAsText("code"))
                .contains("model = peft.get_peft_model(model, peft.LoraConfig(r=8))");
        assertThat(figures.at("/cheapest/change").asText())
                .isEqualTo(cell.cheapest().orElseThrow().name());

        out.getBuffer().setLength(0);
        assertThat(run(GPT2, "--limit", "80 GiB", "--json")).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).has("changes")).isFalse();
        out.getBuffer().setLength(0);
        assertThat(run(GPT2 + "\n" + GPT2, "--limit", "8 GiB")).isZero();
        assertThat(out.toString()).contains("does not fit").doesNotContain("8-bit Adam");
    }
}
