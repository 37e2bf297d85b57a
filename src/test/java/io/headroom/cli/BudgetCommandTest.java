package io.headroom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headroom.workload.Option;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class BudgetCommandTest {
    private static final String CASE_2 =
            "{\"batch\":64,\"nodes\":25,\"seq\":80,\"heads\":8,\"d_model\":128,\"layers\":2,\"ff\":2048,"
                    + "\"features\":7,\"dropout\":0.1,\"precision\":\"fp32\",\"optimizer\":\"adam\"}";

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void printsTheFiguresAsJson() throws IOException {
        assertThat(run(CASE_2, "--json")).isZero();
        JsonNode figures = new ObjectMapper().readTree(out.toString());
        List<String> keys = new ArrayList<>();
        figures.fieldNames().forEachRemaining(keys::add);
        assertThat(keys)
                .containsExactly(
                        "parameters",
                        "weights_bytes",
                        "gradients_bytes",
                        "optimizer_bytes",
                        "activations_bytes",
                        "peak_allocated_bytes",
                        "peak_reserved_bytes",
                        "device_bytes",
                        "upper_bytes",
                        "upper_bytes_malloc_as_it_comes",
                        "peak_phase",
                        "peak_operator",
                        "peak_by_phase",
                        "peak_by_layer",
                        "peak_by_operator");
        assertThat(figures.get("peak_allocated_bytes").asLong()).isBetween(12_300_000_000L, 12_400_000_000L);
        assertThat(figures.get("peak_phase").asText()).isEqualTo("backward");
        assertThat(figures.get("peak_by_phase").fieldNames())
                .toIterable()
                .containsExactly("load", "forward", "backward", "optimizer step");
        assertThat(figures.get("peak_by_phase").get("backward")).isEqualTo(figures.get("peak_allocated_bytes"));
        for (String cut : List.of("peak_by_layer", "peak_by_operator")) {
            long sum = 0;
            for (JsonNode part : figures.get(cut)) {
                sum += part.get("bytes").asLong();
            }
            assertThat(sum).isEqualTo(figures.get("peak_allocated_bytes").asLong());
        }
        assertThat(figures.get("peak_by_layer").get(0).get("name").asText()).isEqualTo("layer 2");
    }

    @Test
    void saysInTextWhetherItFits() throws IOException {
        assertThat(run(CASE_2, "--limit", "9.07 GiB")).isZero();
        assertThat(out.toString()).contains("does not fit", "64 × 25 × 8 × 80 × 80 × 4 B");
        assertThat(out.toString()).contains("peak of each phase", "live at the peak, by layer", "attention · softmax");
        assertThat(out.toString())
                .contains(
                        "The upper bound is 5 % and 8 MiB above the estimate", "With malloc as it comes: does not fit");
        assertThat(out.toString()).contains("whole pages", "process beside tensors");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"batch\":64,} | comma",
                "{\"batch\":64 /* big */} | comments",
                "{\"batches\":64} | unknown key \"batches\"",
                "{\"heads\":7,\"d_model\":128} | heads = 7 does not divide d_model = 128",
                "{\"batch\":0} | batch = 0",
                "{\"batch\":-4} | batch = -4",
                "{\"batch\":1.5} | whole number",
                "{\"batch\":\"64\"} | whole number",
                "{\"batch\":9223372036854775807} | 2^63",
                "{\"optimizer\":\"lion\"} | \"lion\"",
                "{\"seq\":600,\"positions\":512} | position table",
                "{\"lora_rank\":4096} | lora_rank = 4096",
                "{\"model\":\"gan\"} | model = \"gan\"",
                "{\"device\":\"abacus\"} | not in the table",
                "{\"layers\":100000000,\"d_model\":8} | layers = 100000000",
                "{\"vocab\":280000000000000000,\"d_model\":8} | more than 2^63 bytes",
                "{\"inference\":true,\"new_tokens\":9223372036854775807} | 2^63",
                "{\"prefetch\":9223372036854775807} | 2^63",
                "{\"new_tokens\":5} | new_tokens = 5 in training",
                "{\"devices\":4} | devices = 4 with sharding = none",
                "{\"sharding\":\"zero3\"} | sharding = zero3 without devices",
                "{\"vocab\":50257,\"seq\":1000,\"positions\":1024,\"inference\":true,\"new_tokens\":500}"
                        + " | seq = 1000 and new_tokens = 500 together are beyond the position table of 1024 rows",
                "{\"image\":64} | image does not apply",
                "{\"model\":\"cnn\",\"seq\":64} | seq does not apply",
                "{\"model\":\"cnn\",\"image\":4} | image = 4 with layers = 3",
                "{\"model\":\"gat\",\"heads\":3} | heads = 3",
                "{\"model\":\"gat\",\"nodes\":3,\"edges\":10} | edges = 10 with nodes = 3",
                "[1] | not a JSON object",
                "{\"batch\":1}{} | not a JSON object (something follows its closing brace",
                "{\"batch\":NaN} | 'NaN' is no number in JSON",
                "{\"batch\":1,\"batch\":2} | the key 'batch' is there twice",
            })
    void aWrongSpecIsNamedInOneLine(String spec, String said) throws IOException {
        assertThat(run(spec)).isEqualTo(2);
        assertThat(err.toString()).contains(said).doesNotContain("\tat ");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void aDeviceOfTheTableIsTheLimit() throws IOException {
        assertThat(run("{\"batch\":64,\"device\":\"A100 40GB\"}")).isZero();
        assertThat(out.toString()).contains("fits: needs", "A100 40GB 38.73 GiB");
        assertThat(run("{\"batch\":64,\"device\":\"CPU\"}", "--limit", "0")).isEqualTo(2);
        assertThat(err.toString()).contains("--limit 0");
    }

    @Test
    void graphAttentionIsEstimatedWithItsFormula() throws IOException {
        assertThat(run("{\"model\":\"gat\",\"nodes\":100,\"heads\":4}")).isZero();
        assertThat(out.toString()).contains("1 × 4 × 100 × 100 × 4 B", "quadratic in nodes");
        assertThat(run("{\"model\":\"gat\",\"nodes\":100,\"heads\":4,\"edges\":500}"))
                .isZero();
        assertThat(out.toString()).contains("1 × 4 × 500 × 4 B", "linear in batch, nodes and edges");
    }

    @Test
    void theDocumentNamesEveryKeyItsDefaultAndMeaning() throws IOException {
        List<String> lines = Files.readAllLines(Path.of("docs/budget.md"));
        for (Option option : Option.values()) {
            Object fallback = option.fallback();
            String written =
                    fallback instanceof Enum<?> choice ? choice.name().toLowerCase(Locale.ROOT) : "" + fallback;
            assertThat(lines.contains("| `" + option.key() + "` | " + written + " | " + option.meaning() + " |"))
                    .as("docs/budget.md on %s", option.key())
                    .isTrue();
        }
    }

    @Test
    void aMissingFileIsNamed() {
        assertThat(execute(folder.resolve("none.json").toString())).isEqualTo(2);
        assertThat(err.toString()).contains("none.json", "no such file");
    }

    private int run(String spec, String... options) throws IOException {
        Path file = Files.writeString(folder.resolve("spec.json"), spec);
        List<String> args = new ArrayList<>(List.of(file.toString()));
        args.addAll(List.of(options));
        return execute(args.toArray(String[]::new));
    }

    private int execute(String... args) {
        CommandLine command = Main.commandLine();
        command.setOut(new PrintWriter(out, true));
        command.setErr(new PrintWriter(err, true));
        List<String> all = new ArrayList<>(List.of("budget"));
        all.addAll(List.of(args));
        return command.execute(all.toArray(String[]::new));
    }

    @Test
    void aWholeNumberMayHaveAPointOrAnExponent() throws IOException {
        assertThat(run("{\"batch\": 100}", "--json")).isZero();
        String plain = out.toString();
        for (String same : List.of("100.0", "1e2")) {
            out.getBuffer().setLength(0);
            assertThat(run("{\"batch\": " + same + "}", "--json")).isZero();
            assertThat(out.toString()).isEqualTo(plain);
        }
        assertThat(run("{\"preset\": \"gpt2\", \"batch\": 4.5}")).isEqualTo(2);
        assertThat(err.toString()).contains("batch \"4.5\" must be a whole number");
        assertThat(run("{\"preset\": \"gpt2\", \"batch\": 4.0}")).isZero();
    }
}
