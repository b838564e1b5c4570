Console.Error.WriteLine("halo: not built yet");
return 2;
