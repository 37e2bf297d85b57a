package io.headroom.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code headroom}: what the notebooks do, for scripts and bug reports.
 *
 * <p>Exit codes: 0 done, 1 something is wrong (said in one line), 2 wrong usage; a subcommand may add its own. No stack
 * trace reaches a user unless {@code -Dheadroom.debug=true}.
 *
 * <pre>{@code
 * int exit = Main.run("doctor", "--json");
 * }</pre>
 */
@Command(
        name = "headroom",
        description = "Memory for PyTorch models in Java notebooks.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            HelpCommand.class,
            DoctorCommand.class,
            DiagnoseCommand.class,
            BudgetCommand.class,
            ReplayCommand.class
        })
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Runs the command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs the command in this JVM and returns its exit code; any thread, one run at a time. */
    public static int run(String... args) {
        return commandLine().execute(args);
    }

    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((wrong, arguments) -> {
                    CommandLine command = wrong.getCommandLine();
                    command.getErr().println(wrong.getMessage());
                    UnmatchedArgumentException.printSuggestions(wrong, command.getErr());
                    command.usage(command.getErr());
                    return command.getCommandSpec().exitCodeOnInvalidInput();
                })
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    if (Boolean.getBoolean("headroom.debug")) {
                        failure.printStackTrace(command.getErr());
                    }
                    String said = failure.getMessage();
                    command.getErr().println("headroom: " + (said == null ? failure.toString() : said));
                    return command.getCommandSpec().exitCodeOnExecutionException();
                });
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Say what to do.");
    }

    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            Properties built = built();
            return new String[] {
                "headroom " + built.getProperty("version"),
                "DJL " + built.getProperty("djl") + ", libtorch " + built.getProperty("libtorch")
            };
        }

        static Properties built() {
            Properties properties = new Properties();
            try (InputStream in = Main.class.getResourceAsStream("/io/headroom/version.properties")) {
                properties.load(in);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return properties;
        }
    }
}
