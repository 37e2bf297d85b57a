package io.headroom.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code headroom diagnose}: keys, names and exit codes that scripts rely on. */
class DiagnoseCommandTest {
    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void jsonHasTheFieldsOfTheMessage() throws IOException {
        int exit = run(
                "CUDA out of memory. Tried to allocate 1.70 GiB. GPU 0 has a total capacty of 6.00 GiB of which 0 bytes is"
                        + " free. Of the allocated memory 2.93 GiB is allocated by PyTorch, and 2.30 GiB is reserved by PyTorch but"
                        + " unallocated.");

        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(exit).isZero();
        assertThat(json.fieldNames())
                .toIterable()
                .containsExactly("recognised", "backend", "cause", "confidence", "fields", "evidence", "remedies");
        assertThat(json.get("recognised").asBoolean()).isTrue();
        assertThat(json.get("backend").asText()).isEqualTo("cuda");
        assertThat(json.get("cause").asText()).isEqualTo("fragmentation");
        assertThat(json.get("fields").get("requested_bytes").asLong()).isEqualTo(1_825_361_101L);
        assertThat(json.get("remedies").get(0).fieldNames())
                .toIterable()
                .containsExactly("name", "saves_bytes", "how", "cost");
    }

    @Test
    void whatIsNoMemoryErrorExitsThree() throws IOException {
        int exit = run("RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)");

        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(exit).isEqualTo(3);
        assertThat(json.get("recognised").asBoolean()).isFalse();
        assertThat(json.get("backend").asText()).isEqualTo("none");
        assertThat(json.get("cause").isNull()).isTrue();
        assertThat(json.get("evidence").get(0).asText()).contains("shapes");
    }

    @Test
    void aMissingFileIsWrongUsage() {
        assertThat(command().execute("diagnose", folder.resolve("none.log").toString()))
                .isEqualTo(2);
        assertThat(err.toString()).contains("none.log");
    }

    @Test
    void emptyTextIsSaidToBeEmpty() throws IOException {
        Path file = Files.writeString(folder.resolve("empty.log"), "");

        assertThat(command().execute("diagnose", file.toString())).isEqualTo(3);
        assertThat(out.toString()).contains("empty");
    }

    @Test
    void standardInputIsReadAndCalledByItsName() {
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream("java.lang.OutOfMemoryError: Java heap space".getBytes(UTF_8)));
            assertThat(command().execute("diagnose")).isZero();
            assertThat(out.toString()).contains("Out of memory").contains("host-ram");
            System.setIn(new InputStream() {
                @Override
                public int read() throws IOException {
                    throw new IOException("closed pipe");
                }
            });
            assertThat(command().execute("diagnose", "-")).isEqualTo(2);
            assertThat(err.toString()).contains("cannot read standard input: closed pipe");
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void anUnknownOptionIsWrongUsage() {
        assertThat(command().execute("diagnose", "--jsn")).isEqualTo(2);
    }

    private int run(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("a.log"), text);
        return command().execute("diagnose", "--json", file.toString());
    }

    private CommandLine command() {
        return Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    }
}
