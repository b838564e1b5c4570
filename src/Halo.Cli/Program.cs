using Halo.Cli;

return await CommandLineProgram.RunAsync(args);
