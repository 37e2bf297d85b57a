package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A malloc brought by LD_PRELOAD, as jemalloc is: the C library's own counts nothing then. */
@EnabledOnOs(OS.LINUX)
class OtherMallocTest {
    private static final String REPLACEMENT =
            """
            #include <stddef.h>
            extern void *__libc_malloc(size_t);
            void *malloc(size_t size) { return __libc_malloc(size); }
            """;

    @TempDir
    Path directory;

    @Test
    void whatTheCLibraryCountsIsAbsentAndNotNearZero() throws IOException, InterruptedException {
        Path library = directory.resolve("libreplacement.so");
        Path source = Files.writeString(directory.resolve("replacement.c"), REPLACEMENT);
        assumeThat(compiled(source, library))
                .as("cc, to make a malloc of its own")
                .isTrue();
        Fork.Result result = Fork.run(MallocMain.class, Map.of("LD_PRELOAD", library.toString()), List.of());
        assertThat(result.output()).contains("used false, trims false, resident true");
    }

    private static boolean compiled(Path source, Path library) throws InterruptedException {
        try {
            Process cc = new ProcessBuilder("cc", "-shared", "-fPIC", "-o", library.toString(), source.toString())
                    .redirectErrorStream(true)
                    .start();
            cc.getInputStream().readAllBytes();
            return cc.waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void theCLibrarysOwnIsTold() {
        assertThat(Fork.run(MallocMain.class, List.of()).output()).contains("used true, trims true, resident true");
    }
}
